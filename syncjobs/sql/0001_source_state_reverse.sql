drop function record_source(
    text, text, bigint, integer, double precision, text, integer, double precision, integer, text, timestamptz
);
drop function source_closed_meanwhile(text, bigint, timestamptz);
drop function acquire_source(text, double precision, integer, text, double precision, timestamptz);
