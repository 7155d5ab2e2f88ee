"""The product's settings with bare views beside its own, for bench/api.py."""

from mysetlist.settings import *  # noqa: F403
from mysetlist.settings import MIDDLEWARE as OURS

ROOT_URLCONF = "bench.bare"
MIDDLEWARE = ["bench.bare.barest", *OURS]
