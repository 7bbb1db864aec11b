"""Sentences that a small handbook supports beside ones that it does not, of our own writing, by kind of change."""

# ruff: noqa: E501, ISC004
from __future__ import annotations

PASSAGES = (
    # Policies.
    "The warranty of the kiln lasts eleven years from delivery. It does not cover the heating coils. Claims must be "
    "filed within 30 days after the damage is found.",
    "Employees receive 26 days of paid leave per year. Up to five days may be carried over to March. Leave must be "
    "requested at least two weeks before it begins.",
    "Visitors may not enter the laboratory without a badge. Badges are handed out at the north gate from 8:00 to 16:30. "
    "All goods except lithium batteries may be sent by air.",
    "Travel costs are refunded up to $1,250 per trip. Train tickets are booked in second class. Receipts older than 90 "
    "days are rejected.",
    # Descriptions of an interface.
    "The endpoint /orders returns at most 200 rows per page. A token expires after 15 minutes. Requests without a token "
    "are rejected with status 401.",
    "`retry_limit` is optional and defaults to 3. The cache is disabled by default. Responses are sorted in ascending "
    "order by creation date.",
    "Webhooks are delivered within 40 seconds. A failed delivery is repeated six times, then the hook is disabled. "
    "Payloads are never larger than 64 KB.",
    # Tables.
    "| Plan | Storage | Price | Support |\n|---|---|---|---|\n| Basic | 20 GB | $9 | email |\n"
    "| Team | 150 GB | $39 | chat |\n| Campus | 900 GB | $210 | phone |",
    "| Valve | Pressure | Material |\n|---|---|---|\n| V12 | 16 bar | brass |\n| V34 | 25 bar | steel |",
    # Notes of meetings.
    "Ana Ruiz is responsible for the audit of the Lisbon plant. Bob Miller keeps the minutes. The audit starts on 14 "
    "March 2025 and ends on 2 April 2025.",
    "Attendees: Chen Wei, Dora Klein, Bob Miller. Dora Klein reports to Chen Wei. The team voted for the blue prototype "
    "and rejected the green one.",
    "The budget was raised from 48,000 euros to 61,500 euros. Marta Novak approved it on Tuesday. Twelve people were "
    "present and three were ill.",
    # Specifications.
    "The P7 pump weighs 18 kg and draws 450 W. Its noise level is lower than 52 dB. The P9 pump weighs 23 kg and draws "
    "700 W.",
    "The sensor measures from -20 to 85 °C. Its accuracy is 0.5 percent. It must be calibrated every 12 months and has to "
    "be stored indoors.",
    "The battery holds 5,200 mAh and charges in 95 minutes. Charging stops below 4 °C. The case is waterproof to 30 m; "
    "the charger is not waterproof.",
    "The filter is replaced after 600 hours of operation. The oil is drained before the filter is removed. The left screw "
    "is tightened first.",
)

_PAIRS = """
number|The warranty of the kiln lasts 11 years.|The warranty of the kiln lasts twelve years.
number|The kiln's warranty is eleven years from delivery.|The kiln's warranty is 30 years from delivery.
number|Claims have to be filed within thirty days after the damage is found.|Claims have to be filed within 90 days after the damage is found.
number|Employees get 26 days of paid leave per year.|Employees get 30 days of paid leave per year.
number|Up to 5 days may be carried over to March.|Up to 15 days may be carried over to March.
number|Travel costs are refunded up to $1250 per trip.|Travel costs are refunded up to $900 per trip.
number|The endpoint /orders returns at most two hundred rows per page.|The endpoint /orders returns at most 600 rows per page.
number|A token expires after fifteen minutes.|A token expires after 40 minutes.
number|Webhooks are delivered within forty seconds.|Webhooks are delivered within 15 seconds.
number|A failed delivery is repeated 6 times.|A failed delivery is repeated three times.
number|Requests without a token get status 401.|Requests without a token get status 200.
number|The budget was raised to 61500 euros.|The budget was raised to 52,000 euros.
number|12 people were present.|Eleven people were present.
number|Three people were ill.|Five people were ill.
number|The sensor's accuracy is 0.5 %.|The sensor's accuracy is 3 %.
number|It must be calibrated every twelve months.|It must be calibrated every 26 months.
number|The filter is replaced after 600 hours.|The filter is replaced after 450 hours.
number|The battery charges in 95 minutes.|The battery charges in 85 minutes.
number|The case is waterproof to 30 m.|The case is waterproof to 20 m.
number|Receipts older than ninety days are rejected.|Receipts older than 30 days are rejected.
number|`retry_limit` defaults to three.|`retry_limit` defaults to 6.
swapped|The P7 pump weighs 18 kg.|The P7 pump weighs 23 kg.
swapped|The P9 pump draws 700 W.|The P9 pump draws 450 W.
swapped|The P7 pump draws 450 W and the P9 pump draws 700 W.|The P7 pump draws 700 W and the P9 pump draws 450 W.
swapped|The audit starts on 14 March 2025.|The audit starts on 2 April 2025.
swapped|The audit ends on 2 April 2025.|The audit ends on 14 March 2025.
swapped|Twelve people were present and three were ill.|Three people were present and twelve were ill.
swapped|The budget was raised from 48,000 euros to 61,500 euros.|The budget was raised from 61,500 euros to 48,000 euros.
row|The Basic plan has 20 GB of storage.|The Basic plan has 150 GB of storage.
row|The Team plan costs $39.|The Team plan costs $210.
row|The Campus plan comes with phone support.|The Basic plan comes with phone support.
row|Valve V12 holds 16 bar.|Valve V12 holds 25 bar.
row|V34 is made of steel.|V34 is made of brass.
row|The Team plan has chat support.|The Campus plan has chat support.
unit|The sensor's accuracy is 0.5 percent.|The sensor's accuracy is 0.5 °C.
unit|The P7 pump draws 450 W.|The P7 pump draws 450 kW.
unit|A token expires after 15 minutes.|A token expires after 15 hours.
unit|Payloads are never larger than 64 KB.|Payloads are never larger than 64 MB.
unit|Travel costs are refunded up to 1,250 dollars per trip.|Travel costs are refunded up to 1,250 euros per trip.
unit|Claims must be filed within 30 days after the damage is found.|Claims must be filed within 30 weeks after the damage is found.
unit|The filter is replaced after 600 hours of operation.|The filter is replaced after 600 days of operation.
owner|Ana Ruiz is responsible for the audit of the Lisbon plant.|Bob Miller is responsible for the audit of the Lisbon plant.
owner|The minutes are kept by Bob Miller.|The minutes are kept by Ana Ruiz.
owner|Marta Novak approved the budget on Tuesday.|Dora Klein approved the budget on Tuesday.
owner|On Tuesday, Marta Novak approved it.|On Tuesday, Chen Wei approved it.
owner|The audit of the Lisbon plant is in the hands of Ana Ruiz.|The audit of the Lisbon plant is in the hands of Marta Novak.
turned|Dora Klein reports to Chen Wei.|Chen Wei reports to Dora Klein.
turned|The team voted for the blue prototype.|The team voted for the green prototype.
turned|The team rejected the green prototype.|The team rejected the blue prototype.
negation|Visitors may not enter the laboratory without a badge.|Visitors may enter the laboratory without a badge.
negation|The warranty does not cover the heating coils.|The warranty covers the heating coils.
negation|Entering the laboratory without a badge is not allowed for visitors.|Visitors may enter the laboratory with no badge.
negation|The charger is not waterproof.|The charger is waterproof.
negation|The case is waterproof to 30 m.|The case is not waterproof to 30 m.
negation|Payloads are never larger than 64 KB.|Payloads are larger than 64 KB.
negation|Lithium batteries are the only goods that may not be sent by air.|All goods and lithium batteries may be sent by air.
negation|Requests without a token are rejected.|Requests with a token are rejected.
negation|Webhooks are delivered within 40 seconds.|Webhooks are not delivered within 40 seconds.
negation|Bob Miller keeps the minutes.|Bob Miller never keeps the minutes.
negation|The sensor must be calibrated every 12 months.|The sensor must not be calibrated every 12 months.
negation|Train tickets are booked in second class.|Train tickets are not booked in second class.
bound|The endpoint returns no more than 200 rows per page.|The endpoint returns at least 200 rows per page.
bound|Leave must be requested at least two weeks before it begins.|Leave must be requested at most two weeks before it begins.
bound|The noise level is lower than 52 dB.|The noise level is higher than 52 dB.
bound|Receipts older than 90 days are rejected.|Receipts newer than 90 days are rejected.
bound|Charging stops below 4 °C.|Charging stops above 4 °C.
opposite|The oil is drained before the filter is removed.|The oil is drained after the filter is removed.
opposite|The cache is disabled by default.|The cache is enabled by default.
opposite|`retry_limit` is optional.|`retry_limit` is mandatory.
opposite|Responses are sorted in ascending order by creation date.|Responses are sorted in descending order by creation date.
opposite|The left screw is tightened first.|The right screw is tightened first.
opposite|The sensor has to be stored indoors.|The sensor has to be stored outdoors.
opposite|Badges are handed out at the north gate.|Badges are handed out at the south gate.
opposite|Receipts older than 90 days are rejected.|Receipts older than 90 days are accepted.
opposite|The budget was raised to 61,500 euros.|The budget was lowered to 61,500 euros.
opposite|Marta Novak approved the budget on Tuesday.|Marta Novak approved the budget on Thursday.
opposite|Claims must be filed after the damage is found.|Claims must be filed before the damage is found.
lead-in|Passage 1: The warranty of the kiln lasts eleven years.|Passage 1: The warranty of the kiln lasts twelve years.
lead-in|According to passage 13, the P7 pump weighs 18 kg.|According to passage 13, the P7 pump weighs 23 kg.
lead-in|Source [5] says that a token expires after 15 minutes.|Source [5] says that a token expires after 40 minutes.
lead-in|Based on the sources, the charger is not waterproof.|Based on the sources, the charger is waterproof.
lead-in|As stated in passage 10, Bob Miller keeps the minutes.|As stated in passage 10, Ana Ruiz keeps the minutes.
joined|The warranty lasts eleven years and the P7 pump weighs 18 kg.|The warranty lasts 18 years and the P7 pump weighs 11 kg.
joined|A token expires after 15 minutes and webhooks are delivered within 40 seconds.|A token expires after 40 minutes and webhooks are delivered within 15 seconds.
"""
PAIRS = tuple(tuple(line.split("|")) for line in _PAIRS.strip().splitlines())

# Written when the rules were done, and looked at once: these figures are not of what the rules were made for.
HELD_OUT_PASSAGES = (
    "The ferry to Lund Island leaves at 7:15 and at 18:40. Bicycles cost 4 euros. Dogs travel free, but must be kept on "
    "a lead. The ferry does not run in November.",
    "Loans are granted for 21 days and can be renewed twice. Reference books cannot be borrowed. The fine is 25 cents per "
    "day, at most 10 euros.",
    "`connect(timeout)` raises TimeoutError after 8 seconds. The pool holds up to 32 connections. Idle connections are "
    "closed after five minutes. Names are case-sensitive.",
    "Present: Iris Okoye, Paul Stein, Lena Hahn. Iris Okoye leads the migration. Paul Stein will write the rollback plan "
    "by 9 June. The team decided against Kafka.",
    "| Model | Range | Weight |\n|---|---|---|\n| Heron | 310 km | 19 kg |\n| Swift | 450 km | 24 kg |\n| Robin | 120 km "
    "| 14 kg |",
    "The oven heats to 1,300 °C in seventy minutes. The door must stay closed until it has cooled below 90 °C. Use gloves "
    "unless the lamp is green.",
    "Sales in Norway rose by 12 percent in 2023 and fell by 5 percent in 2024. Eva Lind runs the Norwegian office.",
)
_HELD_OUT = """
number|Bicycles cost four euros.|Bicycles cost 10 euros.
number|Loans are granted for twenty-one days.|Loans are granted for 25 days.
number|The fine is 25 cents per day.|The fine is 21 cents per day.
number|connect raises TimeoutError after eight seconds.|connect raises TimeoutError after 32 seconds.
number|The pool holds up to thirty-two connections.|The pool holds up to 70 connections.
number|Idle connections are closed after 5 minutes.|Idle connections are closed after 8 minutes.
number|The oven reaches 1300 °C in 70 minutes.|The oven reaches 1300 °C in 90 minutes.
number|Paul Stein writes the rollback plan by 9 June.|Paul Stein writes the rollback plan by 12 June.
number|The first ferry to Lund Island leaves at 7:15.|The first ferry to Lund Island leaves at 8:15.
unit|Bicycles cost 4 euros.|Bicycles cost 4 dollars.
unit|Idle connections are closed after five minutes.|Idle connections are closed after five hours.
unit|Loans are granted for 21 days.|Loans are granted for 21 weeks.
unit|Sales in Norway rose by 12 % in 2023.|Sales in Norway rose by 12 euros in 2023.
swapped|Sales in Norway fell by 5 percent in 2024.|Sales in Norway fell by 12 percent in 2024.
swapped|Sales in Norway rose by 12 percent in 2023.|Sales in Norway rose by 12 percent in 2024.
swapped|The fine is at most 10 euros.|The fine is at most 25 euros.
row|The Heron has a range of 310 km.|The Heron has a range of 450 km.
row|The Swift weighs 24 kg.|The Swift weighs 14 kg.
row|The range of the Robin is 120 km.|The range of the Robin is 310 km.
row|The Robin weighs fourteen kg.|The Robin weighs nineteen kg.
owner|Iris Okoye leads the migration.|Lena Hahn leads the migration.
owner|Paul Stein will write the rollback plan.|Iris Okoye will write the rollback plan.
owner|Eva Lind is in charge of the Norwegian office.|Paul Stein is in charge of the Norwegian office.
owner|The migration is led by Iris Okoye.|The migration is led by Eva Lind.
negation|The ferry does not run in November.|The ferry runs in November.
negation|Reference books can't be borrowed.|Reference books can be borrowed.
negation|Dogs travel free.|Dogs do not travel free.
negation|Names are case-sensitive.|Names are not case-sensitive.
negation|Loans can be renewed twice.|Loans cannot be renewed.
negation|The team decided against Kafka.|The team decided for Kafka.
negation|Dogs must be kept on a lead.|Dogs need not be kept on a lead.
bound|The pool holds at most 32 connections.|The pool holds at least 32 connections.
bound|The fine is no more than 10 euros.|The fine is at least 10 euros.
bound|The door must stay closed until the oven has cooled below 90 °C.|The door must stay closed until the oven has cooled above 90 °C.
opposite|The door must stay closed until it has cooled.|The door must stay open until it has cooled.
opposite|Sales in Norway rose in 2023.|Sales in Norway fell in 2023.
opposite|Use gloves unless the lamp is green.|Use gloves if the lamp is green.
opposite|Dogs travel free.|Dogs travel at full price.
lead-in|Passage 3: The pool holds up to 32 connections.|Passage 3: The pool holds up to 21 connections.
lead-in|According to passage 4, Iris Okoye leads the migration.|According to passage 4, Paul Stein leads the migration.
"""
HELD_OUT = tuple(tuple(line.split("|")) for line in _HELD_OUT.strip().splitlines())

# As tables and records are read: by commas, in pipes, and as lists of what each column says.
TABLE_PASSAGES = (
    "part,machine,stock,price_eur,owner\nP-100,Kestrel pump,41,19.90,Ivo Brandt\nP-101,Kestrel pump,0,84.00,Ivo Brandt\n"
    "P-200,Osprey fan,7,5.25,Salma Haddad\nP-201,Osprey fan,112,2.10,Salma Haddad\nP-300,Heron valve,3,310.00,Tomoko Abe",
    "The emergency line is open from 06:00 to 22:00. It is not staffed on Sundays.\n\n| Level | Reaction | Fee |\n"
    "| --- | --- | --- |\n| Gold | 4 hours | 900 EUR |\n| Silver | 24 hours | 350 EUR |\n| Bronze | 5 days | 0 EUR |",
    "Item: XR-12; Colour: green; Weight kg: 14; Supplier: Nordwerk\nItem: XR-15; Colour: black; Weight kg: 31; Supplier: "
    "Sudwerk\nItem: ZT-2; Colour: white; Weight kg: 8; Supplier: Nordwerk",
    "id: 1; title: Boiler leaks; body: The gasket of the boiler failed after 14 months. Resolved by Ada Lind on "
    "2025-03-04.; severity: high\nid: 2; title: Lamp hums; body: A loose screw. Resolved by Omar Sy within 2 days.; "
    "severity: low\nid: 3; title: Crane stuck; body: Not resolved. The crane is not covered by the warranty. Reported by "
    "Lea Wolf.; severity: high",
)
_TABLE = """
commas|Part P-300 costs 310.00 EUR and is owned by Tomoko Abe.|Part P-300 costs 84.00 EUR and is owned by Tomoko Abe.
commas|P-200 is owned by Salma Haddad.|P-200 is owned by Tomoko Abe.
commas|There are 112 parts P-201 in stock.|There are 112 parts P-200 in stock.
commas|The stock of P-201 is 112.|The stock of P-201 is 41.
commas|The price of P-100 is 19.90.|The price of P-100 is 84.00.
commas|The price of P-300 is 310 EUR.|The price of P-300 is 310 USD.
commas|The stock of P-300 is 3.|The stock of P-300 is 310.00.
commas|P-100 costs 19.90 EUR and P-101 costs 84.00 EUR.|P-100 costs 84.00 EUR and P-101 costs 19.90 EUR.
commas|Salma Haddad owns the Osprey fan parts P-200 and P-201.|Salma Haddad owns the Heron valve.
commas|P-101 is a Kestrel pump.|P-999 is a Kestrel pump.
pipes|Silver pay 350 EUR.|Silver pay 900 EUR.
pipes|Gold customers get a reaction within 4 hours.|Silver customers get a reaction within 4 hours.
pipes|Bronze has a reaction time of 5 days.|Bronze has a reaction time of 24 hours.
pipes|The fee of Gold is 900 EUR.|The fee of Bronze is 900 EUR.
lists|XR-12 weighs 14 kg.|XR-12 weighs 31 kg.
lists|The XR-15 is black.|The XR-15 is green.
lists|The supplier of ZT-2 is Nordwerk.|The supplier of ZT-2 is Sudwerk.
lists|Nordwerk supplies the XR-12.|Sudwerk supplies the XR-12.
records|The gasket of the boiler failed after 14 months.|The gasket of the lamp failed after 14 months.
records|The boiler was resolved by Ada Lind on 2025-03-04.|The crane was resolved by Omar Sy within 2 days.
records|The lamp hums ticket has the severity low.|The lamp hums ticket has the severity high.
records|The crane is not covered by the warranty.|The crane is covered by the warranty.
records|The stuck crane was reported by Lea Wolf.|The stuck crane was reported by Ada Lind.
"""
TABLE_PAIRS = tuple(tuple(line.split("|")) for line in _TABLE.strip().splitlines())
