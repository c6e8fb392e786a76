"""What must hold before a hub starts: folders that can be written, secrets that open with the master keys."""

from __future__ import annotations

import tempfile

from auth.master_keys import MasterKeyFault, load_or_create
from auth.sealing import Sealer
from hub.safe import Safe
from hub.settings import Settings
from hub.store.fault import StoreFault
from hub.store.pool import open_pool


def data_folder(settings: Settings) -> None:
    """The data folder and the photos', made where they are missing. Raises ``StoreFault``."""
    for folder in (settings.data, settings.data / "run", settings.attachments_path):
        try:
            # Photos show people and homes: a folder that is made here is nobody else's to read.
            folder.mkdir(0o700 if folder == settings.attachments_path else 0o777, parents=True, exist_ok=True)
            # Existing is not enough: what cannot be written fails now, not at the first photo.
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as fault:
            raise StoreFault(
                f"文件夹 {folder} 不能写入:{fault.strerror}。请更改权限,或用 --data、--attachments 另选。",
                f"The folder {folder} cannot be written: {fault.strerror}. Change it, or choose another.",
            ) from fault


async def check_seals(dsn: str, settings: Settings) -> None:
    """That what is sealed in the database opens with this machine's master keys. Raises ``StoreFault``."""
    try:
        master = load_or_create(settings.master_key_path)
    except MasterKeyFault as fault:
        raise StoreFault(f"主密钥不可用:{fault}", f"The master keys cannot be used: {fault}") from fault
    pool = await open_pool(dsn, size_min=1, size_max=1, role="seals")
    try:
        broken = await Safe(pool, Sealer(master)).broken()
    finally:
        pool.terminate()
    if broken:
        raise StoreFault(
            f"数据库中有 {len(broken)} 个密封的密钥不能用 {settings.master_key_path} 打开(例如 {broken[0]})。"
            "几台机器共用一个数据库时,须共用同一主密钥文件:把它复制过来,用 --master-key-file 指明。",
            f"{len(broken)} sealed secrets in the database do not open with {settings.master_key_path}, {broken[0]} for"
            " one. Hubs that share a database share the master key file: copy it here, or name it with"
            " --master-key-file.",
        )
