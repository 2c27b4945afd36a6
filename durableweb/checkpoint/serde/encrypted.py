"""Encryption: see `checkpoint.encryption`."""

from workflows.engine.absent import absent

__getattr__ = absent(
    __name__,
    "give the saver a cipher: DjangoSaver(cipher=AesGcmCipher({name: key})), see "
    "durableweb.checkpoint.encryption",
    "EncryptedSerializer",
)
