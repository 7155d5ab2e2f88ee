"""The door for ASGI servers."""

import os
import warnings

from django.core.asgi import get_asgi_application
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysetlist.settings")
# WhiteNoise hands out static files synchronously; they are small, and read in a thread.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
application = get_asgi_application()
application = import_string("mysetlist.front.in_front")(application)  # what it needs can be imported only now
