drop trigger note_breaker on source_state;
drop function note_breaker();
