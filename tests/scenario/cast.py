"""Who plays, what they have released, where they go: written by hand, the rest follows by rule."""

from dataclasses import dataclass, field

TWISTS = {
    "vip": "a VIP package of the same show",
    "parking": "parking for the same show",
    "upgrade": "an upgrade for the same show",
    "suite": "a suite package of the same show",
    "spanish": "the same show, listed in Spanish",
    "cancelled": "it will not happen",
    "postponed": "later, nobody knows when",
    "rescheduled": "on another day than first said",
    "time_tba": "the hour is open",
    "date_tba": "the day is open",
    "no_zone": "the event does not say its time zone",
    "no_bill": "the event names nobody",
    "stub": "setlist.fm knows of it, but not what was played",
    "unknown": "setlist.fm does not know of it",
    "day_before": "setlist.fm dates it a day earlier",
    "day_after": "setlist.fm dates it a day later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An artist. The tour starts on day `first` (0 is the day the world begins), a show every `every` days.

    `links`: which of musicbrainz and spotify Ticketmaster links to. `twists`: place -> words of TWISTS.
    """

    name: str
    albums: tuple[str, ...]  # "year title"
    tour: str = ""  # keys of places
    first: int = 0
    every: int = 3
    hour: str = "20:00"
    extra: tuple[str, ...] = ()  # songs beside the bundled ones
    links: tuple[str, ...] = ("musicbrainz", "spotify")
    twists: dict[str, str] = field(default_factory=dict)
    openers: tuple[str, ...] = ()
    mbid: str = ""  # where the bundled catalogue has none
    namesakes: tuple[str, ...] = ()  # others that a search finds; a bracket holds what tells them apart
    history: int = 0  # earlier setlists that no listed show belongs to
    covers: tuple[str, ...] = ()  # "song by artist"
    remixes: int = 0  # so many singles more
    box_set: bool = False  # an album of more than one page


@dataclass(frozen=True, slots=True, kw_only=True)
class Festival:
    """Many artists on one bill. Ticketmaster lists the festival itself first, as if it played."""

    name: str
    place: str
    day: int
    bill: tuple[str, ...]
    twists: str = ""


CAST = (
    Act(
        name="Coldplay",
        albums=("2000 Parachutes", "2002 A Rush of Blood to the Head", "2011 Mylo Xyloto"),
        tour="london paris berlin madrid newyork chicago",
        first=-7,
        twists={"london": "stub", "berlin": "vip parking", "madrid": "spanish", "chicago": "time_tba"},
        openers=("Mumford & Sons",),
        namesakes=("Coldplace", "Viva La Coldplay", "Coldplay Tribute Band"),
    ),
    Act(
        name="Metallica",
        albums=("1986 Master of Puppets", "1991 Metallica", "1996 Load", "2016 Hardwired...To Self-Destruct"),
        tour="berlin hamburg london denver inglewood mexico",
        first=-5,
        every=4,
        twists={"hamburg": "day_after", "denver": "vip upgrade", "inglewood": "cancelled", "mexico": "spanish no_zone"},
        namesakes=("Metallica Tribute", "Scream Inc. - Metallica Show", "Metallicats"),
        history=45,
        remixes=8,
        box_set=True,
        covers=("Whiskey in the Jar by Thin Lizzy", "Am I Evil? by Diamond Head"),
    ),
    Act(
        name="Paul McCartney",
        albums=("1970 McCartney", "1982 Tug of War", "2018 Egypt Station"),
        tour="newyork toronto london",
        first=2,
        every=5,
        extra=("Live and Let Die", "Band on the Run", "Jet"),
        links=("musicbrainz",),
        twists={"newyork": "suite vip", "toronto": "postponed"},
        history=6,
        covers=("Hey Jude by The Beatles", "Let It Be by The Beatles"),
    ),
    Act(
        name="AC/DC",
        albums=("1976 High Voltage", "1980 Back in Black"),
        tour="sydney adelaide paris madrid",
        first=-2,
        hour="19:30",
        extra=("Live Wire", "T.N.T.", "Whole Lotta Rosie", "Shoot to Thrill", "Let There Be Rock"),
        links=("spotify",),
        twists={"adelaide": "no_zone", "paris": "rescheduled"},
        namesakes=("AC/DShe", "Live/Wire - The AC/DC Show", "ACDC (Norwegian rapper)"),
    ),
    Act(
        name="Linkin Park",
        albums=("2000 Hybrid Theory", "2003 Meteora", "2012 LIVING THINGS"),
        tour="inglewood denver chicago toronto newyork",
        first=-1,
        every=2,
        extra=("Living Things", "I Want to Live Forever"),
        links=(),
        twists={"inglewood": "day_before", "chicago": "parking date_tba", "toronto": "no_bill"},
        namesakes=("Linkin Park Tribute", "Hybrid Theory - Linkin Park Show"),
    ),
    Act(
        name="Guns N' Roses",
        albums=("1987 Appetite for Destruction", "1991 Use Your Illusion I"),
        tour="berlin hamburg london",
        first=3,
        every=4,
        links=("spotify",),
        twists={"hamburg": "vip parking", "london": "unknown"},
        namesakes=("Guns N' Roses Tribute", "Guns 2 Roses", "Guns N' Noses"),
        history=4,
        covers=("Knockin' on Heaven's Door by Bob Dylan",),
    ),
    Act(
        name="Muse",
        albums=("2001 Origin of Symmetry", "2009 The Resistance"),
        tour="paris madrid berlin mexico",
        first=-4,
        every=5,
        extra=(
            "Plug In Baby",
            "Starlight",
            "Hysteria",
            "Time Is Running Out",
            "New Born",
            "Bliss",
            "Knights of Cydonia",
        ),
        links=("musicbrainz",),
        twists={"mexico": "time_tba no_zone"},
        namesakes=("Muse (UK folk singer)", "Muse Tribute"),
    ),
    Act(
        name="Foo Fighters",
        albums=("1997 The Colour and the Shape", "2011 Wasting Light"),
        tour="toronto chicago denver inglewood",
        first=6,
        every=2,
        twists={"denver": "suite", "inglewood": "vip upgrade"},
        openers=("Muse",),
        namesakes=("Foo Fighters Tribute", "UK Foo Fighters"),
        history=24,
        covers=("Under Pressure by Queen",),
    ),
    Act(
        name="Red Hot Chili Peppers",
        albums=("1991 Blood Sugar Sex Magik", "1999 Californication", "2006 Stadium Arcadium"),
        tour="madrid paris hamburg",
        first=1,
        twists={"paris": "rescheduled"},
        namesakes=("Red Hot Chilli Pipers",),
        history=3,
        remixes=5,
    ),
    Act(
        name="Ed Sheeran",
        albums=("2011 +", "2014 x", "2017 ÷"),
        tour="sydney adelaide toronto newyork",
        first=-10,
        every=8,
        links=(),
        twists={"sydney": "unknown", "newyork": "vip"},
        namesakes=("Ed Sheeran Experience",),
    ),
    Act(
        name="Depeche Mode",
        albums=("1987 Music for the Masses", "1990 Violator"),
        tour="berlin hamburg paris",
        first=-3,
        hour="21:00",
        twists={"berlin": "day_after", "paris": "spanish"},
        namesakes=("Depeche Mode Tribute", "Forced To Mode - Devotional Tribute to Depeche Mode"),
        history=8,
        remixes=12,
    ),
    Act(
        name="Elton John",
        albums=("1973 Goodbye Yellow Brick Road", "1983 Too Low for Zero", "2001 Songs from the West Coast"),
        tour="london newyork",
        first=4,
        links=("musicbrainz",),
        twists={"newyork": "postponed"},
        namesakes=("Elton John Tribute", "Elton Songs"),
        box_set=True,
    ),
    Act(
        name="Madonna",
        albums=("1984 Like a Virgin", "1989 Like a Prayer", "1998 Ray of Light"),
        tour="mexico inglewood",
        first=7,
        extra=("Live to Tell",),
        twists={"mexico": "spanish vip parking"},
        history=2,
    ),
    Act(
        name="The Cure",
        albums=("1989 Disintegration", "1992 Wish"),
        tour="hamburg berlin london",
        first=-6,
        every=6,
        hour="19:00",
        links=("spotify",),
        namesakes=("The Cureheads", "Cure"),
        history=5,
    ),
    Act(
        name="Sting",
        albums=("1987 ...Nothing Like the Sun", "1993 Ten Summoner's Tales"),
        tour="denver",
        first=11,
        twists={"denver": "parking"},
        namesakes=("Sting (Polish metal band)", "Stingray"),
    ),
    Act(
        name="Heart",
        albums=("1977 Little Queen", "1985 Heart"),
        tour="chicago toronto",
        first=5,
        links=(),
        twists={"toronto": "cancelled"},
        namesakes=("Heart (Japanese idol group)", "Heart by Heart", "Heartbreaker"),
        history=2,
    ),
    Act(
        name="Blondie",
        albums=("1978 Parallel Lines", "1979 Eat to the Beat"),
        tour="london paris",
        first=8,
        links=("musicbrainz",),
        history=1,
    ),
    Act(
        name="P!nk",
        albums=("2001 M!ssundaztood", "2008 Funhouse"),
        tour="berlin sydney adelaide",
        first=-2,
        every=10,
        twists={"sydney": "suite", "adelaide": "no_zone"},
        mbid="f4d5cc07-3bc9-4836-9b15-88a08359bc63",
        namesakes=("Pink Floyd Tribute", "Pinky"),
    ),
    Act(
        name="Mumford & Sons",
        albums=("2009 Sigh No More", "2012 Babel"),
        tour="newyork",
        first=10,
        links=("spotify",),
        namesakes=("Mumford", "Mumford & Sons Tribute"),
        history=2,
    ),
    Act(
        name="ABBA",
        albums=("1976 Arrival", "1979 Voulez-Vous"),
        links=("musicbrainz", "spotify"),
        mbid="d87e52c5-bb8d-4da8-b941-9f4928627dc8",
        namesakes=("ABBA Mania", "ABBA Gold - The Concert Show", "Abba Revival"),
    ),
)

FESTIVALS = (
    Festival(name="Desert Sun Festival", place="indio", day=9, bill=("Coldplay", "Linkin Park", "Metallica", "Sting")),
    Festival(name="Nordlicht Open Air", place="hamburg", day=20, bill=("Depeche Mode", "The Cure", "Heart", "Blondie")),
)
