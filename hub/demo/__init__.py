"""The demo: a day of the city between real processes that know only the hub's public doors.

``./cityhub demo`` reads like this:

1. ``main`` takes the options and joins the rest; ``supervisor`` starts every process and ends it by its id.
2. ``city_plan`` plans the day's reports from the city's own tables, ``casting`` says which unit plays which part.
   ``foreign`` finds what partners in other languages run on, ``starting`` starts it all: a broker node of the demo's
   own (``broker``, ``broker_node``; ``radio`` sets up a unit's own on it), the hub, the partners.
3. ``opening`` applies a profile for each unit that has a system, moves it to live and issues the keys. Units with words
   of their own have a document in ``profiles``.
4. ``partners`` are the units' systems, a process each, all with a journal of their own (``journal``): what came, what
   took effect, what was sent and answered. ``habits`` decides how quick, how wrong and how forgetful they are. Those in
   node and PHP are in ``partners/foreign``.
5. ``watch`` follows the change feed while the day runs, ``view`` shows it.
6. ``evidence`` asks the hub for its cases, entries and letters; ``checks`` holds them against the journals; ``tally``
   counts what each unit did, ``result`` is the day as a document.

Nothing here imports the hub's inside: a stranger with the documents could have written all of it.
"""
