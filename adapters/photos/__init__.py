"""Photos inside units' documents: ids of attachments become bytes on the way out, bytes become ids on the way in.

How a transport carries them (base64, parts of a package) is its own; which picture the bytes are is the hub's.
"""

from adapters.photos.inward import take_photos, without_photos
from adapters.photos.outward import Placed, photos_in, put_base64

__all__ = ["Placed", "photos_in", "put_base64", "take_photos", "without_photos"]
