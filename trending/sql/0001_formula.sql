-- The formula, version 1. trending/scoring.py is the reference; tests compare the two integer for integer.
-- Bodies are SQL-standard and simple, so that the planner folds them into the statements that use them.

-- round(2^20 * 2^(-age/72)), ages 0 to 503 in whole hours; 0 for any other age.
create function trending_weight(age integer) returns integer immutable parallel safe
return coalesce((array[
    1048576, 1038530, 1028580, 1018725, 1008965, 999298, 989724, 980242, 970850, 961548, 952336, 943212, 934175, 925225,
    916360, 907581, 898885, 890273, 881744, 873296, 864929, 856642, 848435, 840306, 832255, 824282, 816384, 808563,
    800816, 793143, 785544, 778018, 770564, 763181, 755870, 748628, 741455, 734351, 727316, 720347, 713446, 706610,
    699841, 693135, 686495, 679917, 673403, 666951, 660561, 654233, 647965, 641757, 635608, 629518, 623487, 617513,
    611597, 605738, 599934, 594186, 588493, 582855, 577271, 571740, 566262, 560837, 555464, 550142, 544871, 539651,
    534480, 529360, 524288, 519265, 514290, 509363, 504482, 499649, 494862, 490121, 485425, 480774, 476168, 471606,
    467088, 462612, 458180, 453790, 449443, 445137, 440872, 436648, 432465, 428321, 424217, 420153, 416128, 412141,
    408192, 404281, 400408, 396572, 392772, 389009, 385282, 381591, 377935, 374314, 370728, 367176, 363658, 360174,
    356723, 353305, 349920, 346568, 343247, 339959, 336702, 333476, 330281, 327116, 323982, 320878, 317804, 314759,
    311744, 308757, 305799, 302869, 299967, 297093, 294247, 291428, 288635, 285870, 283131, 280419, 277732, 275071,
    272436, 269825, 267240, 264680, 262144, 259632, 257145, 254681, 252241, 249825, 247431, 245060, 242713, 240387,
    238084, 235803, 233544, 231306, 229090, 226895, 224721, 222568, 220436, 218324, 216232, 214161, 212109, 210077,
    208064, 206070, 204096, 202141, 200204, 198286, 196386, 194505, 192641, 190795, 188967, 187157, 185364, 183588,
    181829, 180087, 178361, 176653, 174960, 173284, 171624, 169979, 168351, 166738, 165140, 163558, 161991, 160439,
    158902, 157380, 155872, 154378, 152899, 151434, 149984, 148547, 147123, 145714, 144318, 142935, 141566, 140209,
    138866, 137535, 136218, 134913, 133620, 132340, 131072, 129816, 128572, 127341, 126121, 124912, 123715, 122530,
    121356, 120194, 119042, 117901, 116772, 115653, 114545, 113448, 112361, 111284, 110218, 109162, 108116, 107080,
    106054, 105038, 104032, 103035, 102048, 101070, 100102, 99143, 98193, 97252, 96321, 95398, 94484, 93578,
    92682, 91794, 90914, 90043, 89181, 88326, 87480, 86642, 85812, 84990, 84175, 83369, 82570, 81779,
    80996, 80220, 79451, 78690, 77936, 77189, 76450, 75717, 74992, 74273, 73562, 72857, 72159, 71468,
    70783, 70105, 69433, 68768, 68109, 67456, 66810, 66170, 65536, 64908, 64286, 63670, 63060, 62456,
    61858, 61265, 60678, 60097, 59521, 58951, 58386, 57827, 57273, 56724, 56180, 55642, 55109, 54581,
    54058, 53540, 53027, 52519, 52016, 51518, 51024, 50535, 50051, 49571, 49097, 48626, 48160, 47699,
    47242, 46789, 46341, 45897, 45457, 45022, 44590, 44163, 43740, 43321, 42906, 42495, 42088, 41684,
    41285, 40890, 40498, 40110, 39726, 39345, 38968, 38595, 38225, 37859, 37496, 37137, 36781, 36428,
    36079, 35734, 35391, 35052, 34716, 34384, 34054, 33728, 33405, 33085, 32768, 32454, 32143, 31835,
    31530, 31228, 30929, 30633, 30339, 30048, 29760, 29475, 29193, 28913, 28636, 28362, 28090, 27821,
    27554, 27290, 27029, 26770, 26514, 26260, 26008, 25759, 25512, 25268, 25025, 24786, 24548, 24313,
    24080, 23849, 23621, 23395, 23170, 22948, 22729, 22511, 22295, 22082, 21870, 21660, 21453, 21247,
    21044, 20842, 20643, 20445, 20249, 20055, 19863, 19672, 19484, 19297, 19112, 18929, 18748, 18568,
    18390, 18214, 18040, 17867, 17696, 17526, 17358, 17192, 17027, 16864, 16703, 16542, 16384, 16227,
    16072, 15918, 15765, 15614, 15464, 15316, 15170, 15024, 14880, 14738, 14596, 14457, 14318, 14181,
    14045, 13911, 13777, 13645, 13515, 13385, 13257, 13130, 13004, 12879, 12756, 12634, 12513, 12393,
    12274, 12157, 12040, 11925, 11810, 11697, 11585, 11474, 11364, 11255, 11148, 11041, 10935, 10830,
    10726, 10624, 10522, 10421, 10321, 10222, 10124, 10027, 9931, 9836, 9742, 9649, 9556, 9465,
    9374, 9284, 9195, 9107, 9020, 8933, 8848, 8763, 8679, 8596, 8514, 8432, 8351, 8271
  ])[age + 1], 0);  -- beyond its ends an array gives null

-- x up to the knee, above it ever slower, below the limit. The square fits bigint at our limits.
create function trending_softcap(x bigint, knee bigint, cap bigint) returns bigint immutable parallel safe
return case when x <= knee then x
            else cap - ((cap - knee) * (cap - knee) + x - 2 * knee + cap - 1) / (x - 2 * knee + cap) end;

-- Votes per fan, in units of raw. numeric: the product passes 64 bits above 559,240 fresh votes.
create function trending_engagement(votes bigint, fans bigint) returns bigint immutable parallel safe
return div(15::numeric * votes * 1048576, fans + 1048576)::bigint;

-- What each factor adds to raw, in units of 1/5242880 point.
create function trending_upcoming_units(shows bigint) returns bigint immutable parallel safe
return trending_softcap(shows * 41943040, 419430400, 1048576000);

create function trending_recent_units(shows bigint) returns bigint immutable parallel safe
return trending_softcap(shows * 26214400, 262144000, 524288000);

create function trending_follower_units(followers bigint) returns bigint immutable parallel safe
return trending_softcap(followers * 524288, 262144000, 524288000);

create function trending_raw(
  recent_votes bigint, active_users bigint, upcoming_shows bigint, recent_shows bigint,
  followers bigint, popularity bigint, recency_boost bigint
) returns bigint immutable parallel safe
return 75 * recent_votes + 50 * active_users
     + trending_upcoming_units(upcoming_shows) + trending_recent_units(recent_shows)
     + trending_follower_units(followers) + 2621440 * coalesce(popularity, 0)
     + trending_engagement(recent_votes, active_users) + 100 * recency_boost;

-- The bounded score, cut to two decimals.
create function trending_score(raw bigint) returns numeric immutable parallel safe
return (trending_softcap(raw, 2621440000, 5242880000) * 100 / 5242880)::numeric * 0.01;

-- The same sum as trending_raw, told apart; for the history of significant changes.
create function trending_units(
  recent_votes bigint, active_users bigint, upcoming_shows bigint, recent_shows bigint,
  followers bigint, popularity bigint, recency_boost bigint
) returns jsonb immutable parallel safe
return jsonb_build_object(
  'recent_votes', 75 * recent_votes,
  'active_users', 50 * active_users,
  'upcoming_shows', trending_upcoming_units(upcoming_shows),
  'recent_shows', trending_recent_units(recent_shows),
  'followers', trending_follower_units(followers),
  'popularity', 2621440 * coalesce(popularity, 0),
  'engagement_ratio', trending_engagement(recent_votes, active_users),
  'recency_boost', 100 * recency_boost);

-- Age of a moment at the whole hour as_of, in whole hours of the clock: 14:20 has age 0 at 14:00.
create function trending_age(as_of timestamptz, moment timestamptz) returns integer immutable parallel safe
return ceil(date_part('epoch', as_of - moment) / 3600)::integer;
