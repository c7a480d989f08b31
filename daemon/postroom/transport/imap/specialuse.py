"""Special uses (RFC 6154), and what providers and mail clients call such mailboxes.

Only names that mean nothing else stand here: who writes one of them into a rule wants
the mailbox of that use, whatever it is called on the server.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import chain


@dataclass(frozen=True)
class SpecialUse:
    """What a mailbox is for: its attribute in LIST, and its usual names, first those
    that are met most; `older` is Gmail's attribute from before the RFC."""

    attribute: str
    usual: tuple[str, ...]
    older: str | None = None

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that tell of this use, in lower case."""
        return frozenset({self.attribute, self.older or self.attribute})


_TRASH = """
    Trash|Deleted Items|Deleted Messages|Bin|Papierkorb|Corbeille|Deleted
    Gelöschte Elemente|Gelöschte Objekte|Éléments supprimés|Messages supprimés
    Papelera|Elementos eliminados|Cestino|Posta eliminata|Prullenbak|Verwijderde items
    Lixeira|Itens Excluídos|Itens Eliminados|Kosz|Elementy usunięte|Koš|Kôš
    Odstraněná pošta|Papirkurv|Slettet post|Slettede elementer|Papperskorgen|Borttaget
    Roskakori|Poistetut|Lomtár|Kuka|Törölt elemek|Coș de gunoi|Elemente șterse
    Çöp Kutusu|Silinmiş Öğeler|Корзина|Удаленные|Удалённые|Кошик|Видалені
    Κάδος απορριμμάτων|ゴミ箱|削除済みアイテム|已删除|已删除邮件|刪除的郵件|휴지통
"""
_JUNK = """
    Junk|Junk E-mail|Junk Email|Junk Mail|Spam|Bulk Mail|Junk-E-Mail|Spamverdacht
    Indésirables|Courrier indésirable|Correo no deseado|Posta indesiderata
    Ongewenste e-mail|Lixo eletrônico|Lixo Eletrónico|Wiadomości-śmieci
    Nevyžádaná pošta|Uønsket mail|Uønsket post|Skräppost|Søppelpost|Roskaposti
    Levélszemét|Önemsiz E-posta|Спам|Нежелательная почта|Небажана пошта
    Ανεπιθύμητη αλληλογραφία|迷惑メール|垃圾邮件|垃圾郵件|스팸메일함
"""
_ARCHIVE = """
    Archive|Archives|Archiv|Archivio|Archivo|Archief|Arquivo|Arquivo Morto|Archiwum
    Arkiv|Arkisto|Archív|Archívum|Arhivă|Arşiv|Архив|Архів|アーカイブ|存档|封存
"""
_SENT = """
    Sent|Sent Items|Sent Messages|Sent Mail|Gesendet|Gesendete Elemente
    Gesendete Objekte|Envoyés|Éléments envoyés|Messages envoyés|Enviados
    Elementos enviados|Posta inviata|Inviati|Verzonden|Verzonden items
    Itens Enviados|Wysłane|Elementy wysłane|Odeslaná pošta|Sendt|Sendt post
    Sendte elementer|Skickat|Lähetetyt|Elküldött elemek|Elemente trimise
    Gönderilmiş Öğeler|Отправленные|Надіслані|送信済みアイテム|送信済みメール
    已发送|已发送邮件|寄件備份
"""
_DRAFTS = """
    Drafts|Draft|Entwürfe|Brouillons|Borradores|Bozze|Concepten|Rascunhos
    Wersje robocze|Kopie robocze|Szkice|Koncepty|Kladder|Utkast|Luonnokset
    Piszkozatok|Ciorne|Taslaklar|Черновики|Чернетки|下書き|草稿|草稿箱
"""


def _names(table: str) -> tuple[str, ...]:
    lines = (line.strip() for line in table.split("\n"))
    return tuple(chain.from_iterable(line.split("|") for line in lines if line))


TRASH = SpecialUse("\\trash", _names(_TRASH))
JUNK = SpecialUse("\\junk", _names(_JUNK), older="\\spam")
ARCHIVE = SpecialUse("\\archive", _names(_ARCHIVE))
SENT = SpecialUse("\\sent", _names(_SENT))
DRAFTS = SpecialUse("\\drafts", _names(_DRAFTS))
USES = (TRASH, JUNK, ARCHIVE, SENT, DRAFTS)
ATTRIBUTES = frozenset(chain.from_iterable(use.attributes for use in USES))


def folded(name: str) -> str:
    """A name as it is compared with the usual ones: case and accents' form are one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


_BY_NAME = {folded(name): use for use in USES for name in use.usual}


def use_of(name: str) -> SpecialUse | None:
    """The special use of mailboxes that are usually called so."""
    return _BY_NAME.get(folded(name))
