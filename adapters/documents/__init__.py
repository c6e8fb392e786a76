"""Reading and writing units' documents: JSON, XML, form and delimited text, in the encodings that units use.

A document becomes plain values (``dict``, ``list``, text, numbers) and back; what the fields mean is the mapping's.
Everything is bounded before it is built. No transport lives here.
"""

from adapters.documents.faults import DocumentFault
from adapters.documents.reading import read_document
from adapters.documents.writing import write_document

__all__ = ["DocumentFault", "read_document", "write_document"]
