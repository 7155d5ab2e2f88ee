"""A small world of twenty artists, composed in the shapes the three sources answer in. Nothing here was recorded.

Names, Spotify ids, most MBIDs and song titles are those of the bundled catalogue; albums, lengths, ISRCs, tours,
other ids and what was played are made up by rule, the same in every run.
"""
