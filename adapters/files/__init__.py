"""Exchange by file: a folder or an SFTP account with CSV, Excel or XML. The one home of the SSH and the Excel library.

``FileSource`` reads what a unit puts into its inbox; ``FileAdapter`` writes letters into its outbox.
"""

from adapters.files.adapter import FileAdapter
from adapters.files.opening import Folders
from adapters.files.source import FileSource

__all__ = ["FileAdapter", "FileSource", "Folders"]
