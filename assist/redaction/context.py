"""What a number is for, by the words before (or right after) it: bounded look-arounds."""

from __future__ import annotations

from collections.abc import Iterable

from assist.redaction.number_words import bare

BEFORE = 60
AFTER = 30


def _listed(words: str) -> tuple[str, ...]:
    return tuple(bare(word.strip()) for word in words.split(","))


CVV_WORDS = _listed(
    "cvv,cvc,cvv2,cvc2,cid,security code,verification code,verification value,on the back,"
    "código de seguridad,código de verificación,dígitos de atrás,en el reverso,número de seguridad,"
    "sicherheitscode,prüfnummer,kartenprüfnummer,prüfziffer,auf der rückseite,sicherheitsnummer"
)
SSN_WORDS = _listed(
    "social security,ssn,social is,my social,your social,seguro social,seguridad social,"
    "sozialversicherung"
)
PHONE_WORDS = _listed(
    "phone,call me,call us,my number,call you,callback,call back,cell,mobile,reach me,reach you,"
    "ring me,text me,dial,"
    "whatsapp,landline,teléfono,móvil,celular,llámame,llámeme,llamar,llame,marcar,marque,fijo,"
    "llama,llamo,número es,contactarme,localizarme,"
    "telefon,handy,mobil,anrufen,erreichbar,erreichen,rückruf,festnetz,"
    "durchwahl,rufen sie,ruf mich,rufnummer"
)
OTHER_NUMBER_WORDS = _listed(
    "order,invoice,ticket,tracking,reference,account,booking,customer number,case,serial,"
    "confirmation,policy,parcel,article,membership,contract,meter,flight,model,"
    "pedido,factura,referencia,cuenta,reserva,envío,seguimiento,expediente,cliente,artículo,"
    "póliza,contrato,serie,incidencia,vuelo,localizador,"
    "bestell,rechnung,vorgang,kundennummer,konto,auftrag,sendung,vertrag,artikel,zähler,"
    "buchung,referenz,serien,police,paket,flug"
)
VERSION_WORDS = _listed("version,versión,release,firmware,build,kapitel,section,artículo")


def last_place(text: str, start: int, words: Iterable[str], *, reach: int = BEFORE) -> int:
    """Where the last of `words` begins in the `reach` characters before `start`; -1: nowhere."""
    before = bare(text[max(0, start - reach) : start])
    return max(before.rfind(word) for word in words)


def stands_before(text: str, start: int, words: Iterable[str], *, reach: int = BEFORE) -> bool:
    before = bare(text[max(0, start - reach) : start])
    return any(word in before for word in words)


def stands_after(text: str, end: int, words: Iterable[str], *, reach: int = AFTER) -> bool:
    after = bare(text[end : end + reach])
    return any(word in after for word in words)
