"""The operator's desk: the admin's front page, which reads every floor, and its side bar."""

from mysetlist.desk.front import front_page
from mysetlist.desk.menu import navigation

__all__ = ["front_page", "navigation"]
