"""The outside world on the loopback: real HTTP, composed answers, faults at the turn of a switch."""
