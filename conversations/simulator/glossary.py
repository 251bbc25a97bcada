"""Rough English for what somebody types freely: word by word, and only where most are known.

A demonstration and no translation: the result says so at its beginning.
"""

from __future__ import annotations

import re
from functools import lru_cache

MARK = "[word for word]"
ENOUGH = 0.6  # of the words must be known; else the reader is better served by the original
LONGEST = 3  # words of an entry

# `source=English`; a blank within either is written as an underscore.
_ENTRIES = {
    "es": """
hola=hello buenos_días=good_morning buenas_tardes=good_afternoon buenas_noches=good_evening
gracias=thank_you muchas_gracias=thank_you_very_much por_favor=please de_nada=you_are_welcome
adiós=goodbye hasta_luego=see_you_later hasta_pronto=see_you_soon perdón=sorry perdone=excuse_me
lo_siento=I_am_sorry sí=yes si=if no=not vale=all_right claro=of_course perfecto=perfect
estupendo=great bien=well muy=very mal=badly más=more menos=less también=also tampoco=neither
ya=already todavía=still aún=still ahora=now luego=then después=after antes=before hoy=today
mañana=tomorrow ayer=yesterday siempre=always nunca=never aquí=here allí=there cuándo=when
cuando=when cómo=how como=like dónde=where donde=where qué=what que=that quién=who cuánto=how_much
cuántos=how_many cuál=which por_qué=why porque=because para=for por=by con=with sin=without en=in
a=to al=to_the de=of del=of_the desde=since hasta=until sobre=about entre=between y=and e=and o=or
pero=but el=the la=the los=the las=the un=a una=a unos=some unas=some lo=it le=him les=them me=me
te=you se=itself nos=us mi=my mis=my tu=your su=your sus=your nuestro=our nuestra=our este=this
esta=this esto=this ese=that esa=that eso=that estos=these estas=these yo=I tú=you usted=you
él=he ella=she nosotros=we ustedes=you ellos=they soy=I_am eres=you_are es=is somos=we_are son=are
estoy=I_am está=is estamos=we_are están=are era=was fue=was ser=be estar=be hay=there_is he=I_have
ha=has han=have tengo=I_have tiene=has tienen=have tenemos=we_have tener=have quiero=I_want
quiere=wants queremos=we_want quisiera=I_would_like querría=I_would_like me_gustaría=I_would_like
necesito=I_need necesita=needs necesitamos=we_need puedo=can_I puede=can_you pueden=can_you
podría=could_you poder=be_able voy=I_am_going va=goes vamos=we_are_going ir=go viene=comes
venir=come llego=I_arrive llega=arrives llegar=arrive llegado=arrived salir=leave sale=leaves
hacer=do hago=I_do hace=does hecho=done decir=say digo=I_say dice=says ver=see veo=I_see
saber=know
sé=I_know creo=I_think pagar=pay pagado=paid pago=payment comprar=buy comprado=bought
compra=purchase
enviar=send enviado=sent envío=shipping mandar=send recibir=receive recibido=received
cambiar=change
cambio=change cancelar=cancel cancelado=cancelled devolver=return devolución=return reservar=book
reservado=booked reserva=booking ayudar=help ayuda=help me_puede_ayudar=can_you_help_me
esperar=wait espero=I_hope encontrar=find encuentro=I_find funciona=works funcionar=work
roto=broken rota=broken dañado=damaged dañada=damaged perdido=lost perdida=lost falta=is_missing
pedido=order pedidos=orders número=number factura=invoice precio=price dinero=money tarjeta=card
cuenta=account correo=e-mail teléfono=phone dirección=address nombre=name casa=house ciudad=city
país=country hotel=hotel habitación=room cama=bed desayuno=breakfast baño=bathroom noche=night
noches=nights día=day días=days semana=week mes=month año=year hora=hour horas=hours
minutos=minutes lunes=Monday martes=Tuesday miércoles=Wednesday jueves=Thursday viernes=Friday
sábado=Saturday domingo=Sunday vuelo=flight avión=plane tren=train billete=ticket maleta=suitcase
equipaje=luggage aeropuerto=airport taxi=taxi paquete=parcel producto=product talla=size
color=colour
zapatos=shoes camisa=shirt vestido=dress teléfono=phone ordenador=computer problema=problem
pregunta=question respuesta=answer foto=photo imagen=picture archivo=file documento=document
grande=big pequeño=small pequeña=small nuevo=new nueva=new viejo=old bueno=good buena=good
malo=bad
caro=expensive barato=cheap rápido=fast tarde=late pronto=soon primero=first último=last
otro=other
otra=other todo=everything toda=all todos=all todas=all nada=nothing algo=something
alguien=someone
mucho=a_lot muchos=many poco=a_little solo=only sólo=only uno=one dos=two tres=three cuatro=four
cinco=five seis=six siete=seven ocho=eight nueve=nine diez=ten gratis=free posible=possible
urgente=urgent favor=favour gato=cat perro=dog niño=child niños=children bebé=baby familia=family
""",
    "fr": """
bonjour=hello bonsoir=good_evening salut=hi merci=thank_you merci_beaucoup=thank_you_very_much
s'il_vous_plaît=please de_rien=you_are_welcome au_revoir=goodbye à_bientôt=see_you_soon
pardon=sorry désolé=sorry désolée=sorry oui=yes non=no d'accord=all_right bien_sûr=of_course
parfait=perfect bien=well très=very mal=badly plus=more moins=less aussi=also déjà=already
encore=still maintenant=now puis=then après=after avant=before aujourd'hui=today demain=tomorrow
hier=yesterday toujours=always jamais=never ici=here là=there quand=when comment=how où=where
quoi=what que=that qu'est-ce_que=what qui=who combien=how_much quel=which quelle=which
pourquoi=why parce_que=because pour=for par=by avec=with sans=without dans=in en=in à=to au=to_the
aux=to_the de=of du=of_the des=some sur=on entre=between et=and ou=or mais=but si=if le=the la=the
les=the un=a une=a mon=my ma=my mes=my ton=your votre=your vos=your notre=our nos=our son=its
sa=its ce=this cet=this cette=this ces=these ça=that c'est=it_is je=I j'ai=I_have tu=you il=he
elle=she on=one nous=we vous=you ils=they suis=am est=is sommes=are êtes=are sont=are était=was
être=be ai=have as=have a=has avons=have avez=have ont=have avoir=have il_y_a=there_is
je_voudrais=I_would_like voudrais=would_like veux=want voulons=want j'aimerais=I_would_like
besoin=need j'ai_besoin_de=I_need peux=can pouvez=can pouvez-vous=can_you pourriez-vous=could_you
peut=can vais=am_going va=goes allons=are_going aller=go viens=come vient=comes arrive=arrives
arriver=arrive arrivé=arrived partir=leave part=leaves faire=do fait=does dire=say voir=see
savoir=know sais=know crois=think payer=pay payé=paid acheter=buy acheté=bought envoyer=send
envoyé=sent recevoir=receive reçu=received changer=change annuler=cancel annulé=cancelled
retourner=return rembourser=refund remboursement=refund réserver=book réservé=booked
réservation=booking aider=help aide=help attendre=wait trouver=find fonctionne=works cassé=broken
cassée=broken perdu=lost perdue=lost manque=is_missing pas=not ne=not n'est=is commande=order
numéro=number facture=invoice prix=price argent=money carte=card compte=account courriel=e-mail
téléphone=phone adresse=address nom=name maison=house ville=city pays=country hôtel=hotel
chambre=room lit=bed petit_déjeuner=breakfast nuit=night nuits=nights jour=day jours=days
semaine=week mois=month année=year heure=hour heures=hours minutes=minutes lundi=Monday
mardi=Tuesday mercredi=Wednesday jeudi=Thursday vendredi=Friday samedi=Saturday dimanche=Sunday
vol=flight avion=plane train=train billet=ticket valise=suitcase bagages=luggage aéroport=airport
colis=parcel produit=product taille=size couleur=colour chaussures=shoes chemise=shirt robe=dress
problème=problem question=question réponse=answer photo=photo image=picture fichier=file
document=document grand=big grande=big petit=small petite=small nouveau=new nouvelle=new bon=good
bonne=good mauvais=bad cher=expensive rapide=fast tard=late bientôt=soon premier=first
dernier=last autre=other tout=everything toute=all tous=all rien=nothing quelque_chose=something
quelqu'un=someone beaucoup=a_lot peu=a_little seulement=only deux=two trois=three quatre=four
cinq=five six=six sept=seven huit=eight neuf=nine dix=ten gratuit=free possible=possible
urgent=urgent chat=cat chien=dog enfant=child enfants=children bébé=baby famille=family moi=me
me=me m'aider=help_me y=there mieux=better
""",
    "de": """
hallo=hello guten_tag=hello guten_morgen=good_morning guten_abend=good_evening danke=thank_you
vielen_dank=thank_you_very_much bitte=please tschüss=goodbye auf_wiedersehen=goodbye
bis_bald=see_you_soon
entschuldigung=excuse_me ja=yes nein=no gut=good gern=gladly gerne=gladly natürlich=of_course
perfekt=perfect sehr=very schlecht=bad mehr=more weniger=less auch=also schon=already noch=still
noch_nicht=not_yet jetzt=now dann=then nach=after vor=before heute=today morgen=tomorrow
gestern=yesterday immer=always nie=never hier=here dort=there wann=when wie=how wo=where was=what
dass=that wer=who wie_viel=how_much wie_viele=how_many welche=which welcher=which warum=why
weil=because für=for von=from mit=with ohne=without in=in im=in_the an=at am=on auf=on aus=out_of
zu=to zum=to_the zur=to_the bei=at über=about zwischen=between bis=until seit=since um=at und=and
oder=or aber=but wenn=if der=the die=the das=the den=the dem=the des=of_the ein=a eine=a einen=a
einem=a einer=a kein=no keine=no keinen=no mein=my meine=my meinen=my meinem=my meiner=my
dein=your
ihr=your ihre=your ihren=your unser=our unsere=our dieser=this diese=this dieses=this diesen=this
ich=I du=you er=he sie=you es=it wir=we mich=me mir=me ihnen=you uns=us bin=am bist=are ist=is
sind=are war=was waren=were sein=be habe=have hat=has haben=have hatte=had gibt_es=is_there
möchte=would_like möchten=would_like will=want wollen=want brauche=need brauchen=need kann=can
können=can könnten=could muss=must müssen=must soll=should gehen=go geht=goes komme=come
kommt=comes kommen=come ankommen=arrive angekommen=arrived fahren=drive machen=do macht=does
gemacht=done sagen=say sehen=see sehe=see weiß=know wissen=know glaube=think zahlen=pay
bezahlen=pay bezahlt=paid kaufen=buy gekauft=bought schicken=send geschickt=sent senden=send
bekommen=received erhalten=received ändern=change stornieren=cancel storniert=cancelled
zurückgeben=return zurück=back erstattung=refund buchen=book gebucht=booked buchung=booking
reservierung=booking helfen=help hilfe=help warten=wait finden=find funktioniert=works
kaputt=broken verloren=lost fehlt=is_missing fehlen=are_missing nicht=not bestellung=order
bestellt=ordered bestellen=order nummer=number rechnung=invoice preis=price geld=money karte=card
konto=account e-mail=e-mail telefon=phone adresse=address name=name haus=house stadt=city
land=country hotel=hotel zimmer=room bett=bed frühstück=breakfast nacht=night nächte=nights
tag=day tage=days woche=week monat=month jahr=year uhr=o'clock stunde=hour stunden=hours
minuten=minutes montag=Monday dienstag=Tuesday mittwoch=Wednesday donnerstag=Thursday
freitag=Friday samstag=Saturday sonntag=Sunday flug=flight flugzeug=plane zug=train ticket=ticket
koffer=suitcase gepäck=luggage flughafen=airport paket=parcel lieferung=delivery produkt=product
größe=size farbe=colour schuhe=shoes hemd=shirt kleid=dress problem=problem frage=question
antwort=answer foto=photo bild=picture datei=file dokument=document groß=big klein=small neu=new
neue=new alt=old teuer=expensive billig=cheap schnell=fast spät=late bald=soon erste=first
letzte=last andere=other anderen=other alles=everything alle=all nichts=nothing etwas=something
jemand=someone viel=a_lot viele=many wenig=a_little nur=only zwei=two drei=three vier=four
fünf=five sechs=six sieben=seven acht=eight neun=nine zehn=ten kostenlos=free möglich=possible
dringend=urgent katze=cat hund=dog kind=child kinder=children baby=baby familie=family da=there
""",
}
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d(?:[\d.,:]*\d)?|\s+|.", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]")
_DROPPED = str.maketrans("", "", "¿¡")


@lru_cache(maxsize=8)
def _words(language: str) -> dict[str, str]:
    entries = (entry.partition("=") for entry in _ENTRIES.get(language, "").split())
    return {source.replace("_", " "): target.replace("_", " ") for source, _, target in entries}


def word_for_word(text: str, *, language: str) -> str | None:
    """English with the mark before it; None where too little is known."""
    words = _words(language)
    tokens = _TOKEN.findall(text.translate(_DROPPED).replace("’", "'"))
    said, known, asked = [], 0, 0
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if not _WORD.match(token):
            said.append(token)
            position += 1
            continue
        length, english = _longest(tokens, position, words)
        count = (length + 1) // 2  # words and the blanks between them
        asked += count
        known += count if english is not None else 0
        is_first = "".join(said[-2:]).strip() in {"", ".", "!", "?"}
        said.append(token if english is None else _as_written(english, is_first=is_first))
        position += length
    if not asked or known < ENOUGH * asked:
        return None
    return f"{MARK} {''.join(said).strip()}"


def _longest(tokens: list[str], at: int, words: dict[str, str]) -> tuple[int, str | None]:
    """How many tokens the longest known entry takes from here, and its English."""
    for count in range(LONGEST, 0, -1):
        part = tokens[at : at + 2 * count - 1]
        if len(part) < 2 * count - 1 or any(not gap.isspace() for gap in part[1::2]):
            continue
        found = words.get(" ".join(token.lower() for token in part[::2]))
        if found is not None:
            return len(part), found
    return 1, None


def _as_written(english: str, *, is_first: bool) -> str:
    """German capitals mean nothing in English: only the first word of a sentence has one."""
    return english[0].upper() + english[1:] if is_first else english
