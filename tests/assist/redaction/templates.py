"""Sentences around a value: those to develop on (train) and those to be judged by (test).

No sentence stands in both; `{}` is the value. OTHER has numbers that are nobody's secret.
"""

from __future__ import annotations

TRAIN: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "CARD": ("my card number is {} okay", "it's a visa, {}", "please charge {} for it", "{}"),
        "IBAN": ("the IBAN is {} at my bank", "transfer it to {} please", "account: {}."),
        "EMAIL": ("my email is {} thanks", "write to {}.", "send it to {} today"),
        "PHONE": ("you can call me at {}", "my phone is {} all day", "my cell number is {}."),
        "SSN": ("my social security number is {}", "the SSN is {} for the form"),
        "IP": ("the server is at {} right now", "I see {} in the settings"),
        "CVV": ("the security code is {}", "CVV {} on the card"),
        "OTHER": (
            "my order number is {ORDER}", "it arrives on {DATE} at {TIME}", "I paid {PRICE}",
            "there were {COUNT} of us in the room", "flight {FLIGHT} was late",
            "the invoice {ORDER} is wrong", "I have been waiting since {TIME}",
            "version {VERSION} of the app", "I met her at home and it was fine",
        ),
    },
    "es": {
        "CARD": ("mi tarjeta es la {} gracias", "el número es {}", "cargue a la visa {}", "{}"),
        "IBAN": ("el IBAN es {} de mi banco", "ingrese el dinero en {}", "cuenta: {}."),
        "EMAIL": ("mi correo es {} gracias", "escriba a {}.", "envíelo a {} hoy"),
        "PHONE": ("puede llamarme al teléfono {}", "mi móvil es el {}", "mi celular: {}."),
        "SSN": ("mi número de seguro social es {}", "el SSN que tengo es {}"),
        "IP": ("el servidor está en {} ahora", "veo {} en los ajustes"),
        "CVV": ("el código de seguridad es {}", "CVV {} de la tarjeta"),
        "OTHER": (
            "mi número de pedido es {ORDER}", "llega el {DATE} a las {TIME}", "pagué {PRICE}",
            "éramos {COUNT} en la habitación", "el vuelo {FLIGHT} se retrasó",
            "la factura {ORDER} está mal", "espero desde las {TIME}",
            "la versión {VERSION} de la aplicación", "uno o dos días más y ya está",
        ),
    },
    "de": {
        "CARD": ("meine Kartennummer ist {} danke", "es ist eine Visa, {}", "die Karte {}", "{}"),
        "IBAN": ("die IBAN lautet {} bei meiner Bank", "überweisen Sie auf {}", "Konto: {}."),
        "EMAIL": ("meine Mail ist {} danke", "schreiben Sie an {}.", "bitte an {} schicken"),
        "PHONE": ("Sie erreichen mich unter {}", "mein Handy ist {}", "Telefon: {}."),
        "SSN": ("meine US Social Security Number ist {}", "die SSN ist {} laut Formular"),
        "IP": ("der Server steht auf {} gerade", "ich sehe {} in den Einstellungen"),
        "CVV": ("der Sicherheitscode ist {}", "CVV {} auf der Karte"),
        "OTHER": (
            "meine Bestellnummer ist {ORDER}", "es kommt am {DATE} um {TIME}", "ich zahlte {PRICE}",
            "wir waren {COUNT} im Zimmer", "der Flug {FLIGHT} war zu spät",
            "die Rechnung {ORDER} ist falsch", "ich warte seit {TIME}",
            "Version {VERSION} der App", "ein oder zwei Tage noch",
        ),
    },
}  # fmt: skip

TEST: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "CARD": (
            "sure so that would be {} is that right", "I'd like to pay with {} if possible",
            "the long one on the front says {}", "use the old Mastercard ending never mind it's {}",
        ),
        "IBAN": ("could you refund me on {} instead", "we moved, now it is {} with them"),
        "EMAIL": (
            "confirmation should go to {} as always", "I registered with {} I think",
            "the address on file, {}, is mine",
        ),
        "PHONE": (
            "if we get cut off reach me on {}", "text me at {} when it's done",
            "her mobile would be {} after six",
        ),
        "SSN": (
            "they ask for my social security, which is {}", "yes the social is {} as before",
        ),
        "IP": ("ping goes to {} and fails", "our office has {} assigned"),
        "CVV": ("and the three digits on the back are {}", "verification code reads {}"),
        "OTHER": (
            "tracking says {ORDER} for the parcel", "we booked from {DATE} for two nights",
            "they want {PRICE} more than agreed", "about {COUNT} people were queueing",
            "my booking reference starts with {ORDER}", "the train leaves at {TIME} sharp",
            "meet me at the desk at {TIME}", "ticket {ORDER} was closed on {DATE}",
            "build {VERSION} crashes", "can you look at the point I made before",
        ),
    },
    "es": {
        "CARD": (
            "vale pues sería la {} si no me equivoco", "quisiera pagar con {} por favor",
            "los números de delante son {}", "apunte la nueva que es {}",
        ),
        "IBAN": ("devuélvamelo mejor en {} si puede", "hemos cambiado, ahora es {} con ellos"),
        "EMAIL": (
            "la confirmación que llegue a {} como siempre", "me registré con {} creo",
            "la dirección que consta, {}, es mía",
        ),
        "PHONE": (
            "si se corta llámeme al {}", "mande un whatsapp al {} cuando esté",
            "su teléfono fijo sería el {} por la tarde",
        ),
        "SSN": ("me piden el seguro social que es {}", "sí, el social security {} como antes"),
        "IP": ("el ping a {} falla", "la oficina tiene {} asignada"),
        "CVV": ("y los tres dígitos de atrás son {}", "el código de verificación pone {}"),
        "OTHER": (
            "el seguimiento pone {ORDER} para el envío", "reservamos desde el {DATE} dos noches",
            "quieren {PRICE} más de lo acordado", "había unas {COUNT} personas",
            "mi reserva empieza por {ORDER}", "el tren sale a las {TIME} en punto",
            "la incidencia {ORDER} se cerró el {DATE}", "el punto que mencioné antes",
            "llevo quince o veinte minutos esperando",
        ),
    },
    "de": {
        "CARD": (
            "gut dann wäre das die {} wenn ich mich nicht irre", "ich möchte mit {} bezahlen",
            "vorne drauf steht {}", "nehmen Sie die neue das ist {}",
        ),
        "IBAN": ("erstatten Sie es lieber auf {} bitte", "jetzt ist es {} bei denen"),
        "EMAIL": (
            "die Bestätigung soll an {} gehen", "registriert bin ich mit {} glaube ich",
            "die hinterlegte Adresse, {}, ist meine",
        ),
        "PHONE": (
            "falls wir getrennt werden rufen Sie mich an unter der Rufnummer {}",
            "mein Rückruf bitte auf {} ab sechs", "ihre Handynummer wäre {} nachmittags",
        ),
        "SSN": ("gefragt ist die Social Security, also {}", "ja die SSN war {} wie zuvor"),
        "IP": ("der Ping auf {} schlägt fehl", "unser Büro hat {} bekommen"),
        "CVV": ("und die Prüfnummer hinten ist {}", "auf der Rückseite steht {}"),
        "OTHER": (
            "die Sendung hat {ORDER} als Nummer", "wir haben ab {DATE} gebucht",
            "sie wollen {PRICE} mehr als vereinbart", "etwa {COUNT} Leute standen an",
            "meine Buchung beginnt mit {ORDER}", "der Zug fährt um {TIME} ab",
            "der Vorgang {ORDER} wurde am {DATE} geschlossen", "der Punkt den ich meinte",
        ),
    },
}  # fmt: skip
