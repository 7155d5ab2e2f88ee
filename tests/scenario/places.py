"""Where the scenario's artists play: real houses, their ids made up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A house. `timezone` is its true zone, `listed_timezone` what Ticketmaster says of the venue."""

    key: str
    name: str
    city: str
    region: str
    country: str
    country_name: str
    timezone: str
    latitude: str
    longitude: str
    says_timezone: bool = True


_LINES = """
london    | Wembley Stadium         | London         | England       | GB | Great Britain            | Europe/London        | 51.5560 | -0.2796
berlin    | Olympiastadion          | Berlin         | Berlin        | DE | Germany                  | Europe/Berlin        | 52.5147 | 13.2395
hamburg   | Barclays Arena          | Hamburg        | Hamburg       | DE | Germany                  | Europe/Berlin        | 53.5892 | 9.8990
paris     | Accor Arena             | Paris          |               | FR | France                   | Europe/Paris         | 48.8386 | 2.3785
madrid    | Movistar Arena          | Madrid         | Madrid        | ES | Spain                    | Europe/Madrid        | 40.4240 | -3.6717
newyork   | Madison Square Garden   | New York       | New York      | US | United States Of America | America/New_York     | 40.7505 | -73.9934
chicago   | United Center           | Chicago        | Illinois      | US | United States Of America | America/Chicago      | 41.8807 | -87.6742
denver    | Red Rocks Amphitheatre  | Morrison       | Colorado      | US | United States Of America | America/Denver       | 39.6654 | -105.2057
inglewood | Kia Forum               | Inglewood      | California    | US | United States Of America | America/Los_Angeles  | 33.9583 | -118.3419
indio     | Empire Polo Club        | Indio          | California    | US | United States Of America | America/Los_Angeles  | 33.6803 | -116.2372
toronto   | Scotiabank Arena        | Toronto        | Ontario       | CA | Canada                   | America/Toronto      | 43.6435 | -79.3791
mexico    | Palacio de los Deportes | Ciudad de México | Ciudad de México | MX | Mexico              | America/Mexico_City  | 19.4057 | -99.0995
sydney    | Accor Stadium           | Sydney         | New South Wales | AU | Australia              | Australia/Sydney     | -33.8472 | 151.0634
adelaide  | Adelaide Oval           | Adelaide       | South Australia | AU | Australia              | Australia/Adelaide   | -34.9156 | 138.5961
"""
ZONELESS = frozenset({"mexico", "adelaide"})  # their venues do not say their time zone


def _read() -> dict[str, Place]:
    rows = ([cell.strip() for cell in line.split("|")] for line in _LINES.strip().splitlines())
    return {row[0]: Place(*row, says_timezone=row[0] not in ZONELESS) for row in rows}


PLACES = _read()
