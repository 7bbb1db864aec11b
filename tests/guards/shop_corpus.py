"""True and false sentences of our own about two small firms: with the question that was asked, and what was changed.

The rules were made while looking at what a reader had found of the kinds in `SHOP`; `CANTEEN` was written after them.
"""

# ruff: noqa: E501, ISC004
from __future__ import annotations

SHOP_PASSAGES = (
    "# Handbook\n\n## Leave\n\nEvery potter has 28 days of paid leave a year. Requests for leave go to Mona Ruud at least three weeks before.\n\n"
    "## Hours\n\nOvertime is paid only when the studio manager has approved it. Core time is from 10:00 to 15:00.\n\n"
    "## Home\n\nOffice staff may work from home two days a week. Kiln staff may not work from home.\n\n"
    "## Trips\n\nMeals on trips are paid up to 32 EUR a day. Train tickets are second class.\n\n"
    "## Illness\n\nA doctor's note is needed from the third day of illness.",
    "# Customer policy\n\n## Parcels\n\nA parcel costs 6.90 EUR within Norway. Orders over 80 EUR are sent free of charge. We do not ship to Iceland.\n"
    "Vases are sent by freight for 49 EUR, and arrive within 5 to 8 days.\n\n## Returns\n\nGoods may be returned within 30 days.\n"
    "The customer pays the postage of a return, except for faulty goods. Chipped plates are not taken back.\n\n"
    "## Warranty\n\nGlazes carry a warranty of five years. The warranty does not cover lids and handles.",
    "Results 2031\nTurnover was 1.42 million EUR, 8 per cent more than in 2030\nProfit was 96,000 EUR\n\nPlans 2032\nOpen a second studio in Molde in May\nHire two glazers",
    "Invoices are kept for ten years. Applications are kept for six months. The yard is filmed at the gate only.\n\n"
    "| Record | Purpose | Owner |\n|---|---|---|\n| Payroll | salaries | Mona Ruud |\n| Newsletter | advertising | Ivo Kant |",
    "| Day | Studio | Shop |\n|---|---|---|\n| Monday | closed | 8:00-16:00 |\n| Saturday | 10:00-14:00 | closed |\n\nThe studio was founded in 2009 by Ivo Kant and Lea Holm in Bergen.",
    "1. The studio will buy a second kiln for 840 EUR. Dag Moe orders it.\n2. The spring sale starts on 15 May and ends on 5 June.\n3. The shop will no longer accept cheques.\n4. Lea Holm takes over the newsletter from Ivo Kant.",
    "The tenant pays a deposit of 7,350 EUR. The landlord is responsible for the roof and the heating. The lease ends on 31 December 2034.",
    "Article,Name,Price EUR,Weight kg\nC-100,Cup Lys,9.9,0.3\nC-110,Cup Lys Pro,19,0.4\nV-200,Vase Fjell,59,2.1\nV-300,Vase Last,129,4.5",
)
_SHOP = """
name|Whom do I ask for leave?|Requests for leave go to Mona Ruud.|Requests for leave go to Petra Voss.
name|Please tell me about leave.|Leave is requested from Mona Ruud.|Requests for leave go to Dag Moe.
ordinal|What are the rules for leave and illness?|A doctor's note is needed from the third day of illness.|A doctor's note is needed from the first day of illness.
ordinal|Which class are train tickets?|Train tickets are second class.|Train tickets are first class.
subject|What are the rules for leave, home and illness?|Office staff may work from home two days a week.|Kiln staff may work from home two days a week.
condition|What are the rules for overtime?|Overtime is only paid with the approval of the studio manager.|Overtime is paid without approval.
rate|What is paid for meals?|Meals are paid up to 32 EUR per day.|Meals are paid up to 32 EUR a week.
rate|How much leave is there?|Potters have 28 days of paid leave per year.|Potters have 28 days of paid leave per month.
scale|What was the turnover?|Turnover was 1.42 million EUR.|Turnover was 1.42 billion EUR.
title|What was the turnover in 2031?|Turnover was 1.42 million EUR in 2031.|Turnover was 1.42 million EUR in 2030.
opposite|What are the plans?|Two glazers will be hired.|Two glazers will be fired.
subject|What are the results?|Profit was 96,000 EUR.|Profit was 1.42 million EUR.
subject|What is the salary of the director?|Turnover was 1.42 million EUR.|The director's salary is 1.42 million EUR.
place|Where does the second studio open?|A second studio opens in Molde in May.|The second studio opens in Bergen in May.
subject|How is it sent?|Vases are sent by freight for 49 EUR.|Plates are sent by freight for 49 EUR.
negation|Does the company ship to Iceland?|No, the company does not ship to Iceland.|Yes, the company ships to Iceland.
subject|Who pays the postage of a return?|The customer pays the postage of a return.|Ivo Kant pays the postage of a return.
unit|How long are invoices kept?|Invoices are kept for ten years.|Invoices are kept for ten months.
part|What is filmed?|The yard is filmed at the gate only.|The whole yard is filmed.
row|Who owns payroll?|Mona Ruud owns payroll.|Ivo Kant owns payroll.
column|When is the studio open?|On Saturday the studio is open from 10:00 to 14:00.|On Saturday the shop is open from 10:00 to 14:00.
column|What is closed on Monday?|On Monday the studio is closed.|On Monday the shop is closed.
pronoun|Who orders the second kiln?|Dag Moe orders the second kiln.|Lea Holm orders the second kiln.
passive|Who takes over the newsletter?|The newsletter is taken over by Lea Holm from Ivo Kant.|The newsletter is taken over by Ivo Kant from Lea Holm.
opposite|Are cheques accepted?|The shop no longer accepts cheques.|The shop still accepts cheques.
subject|Who is responsible for the roof?|The landlord is responsible for the roof.|The tenant is responsible for the roof.
code|What does the Cup Lys cost?|The Cup Lys costs 9.90 EUR.|The Cup Lys costs 19 EUR.
code|How heavy is the Vase Fjell?|The Vase Fjell weighs 2.1 kg.|The Vase Fjell weighs 4.5 kg.
"""
CANTEEN_PASSAGES = (
    "# Kitchen rules\n\nSoup is kept hot for at most three hours. Leftovers are cooled to 5 degrees within 90 minutes. Fish is bought fresh every Tuesday; "
    "meat is delivered on Thursday. Only trained cooks may use the slicer. Knives are counted at the end of each shift.",
    "Nurses eat for 3.50 EUR, visitors for 7.20 EUR. Children under six eat free of charge. Meals for night shifts are ordered before 16:00. "
    "Cards are topped up at the desk of Nora Falk on the ground floor.",
    "The dishwasher Spulo 40 needs 12 litres of water a cycle and runs for two minutes. The older Spulo 20 needs 18 litres and runs for four minutes. "
    "Both are descaled once a month by the firm Klarwerk.",
    "The contract with Obsthof Reim ends on 30 June 2033 and is renewed for one year unless either side gives notice three months before. "
    "Deliveries arrive at the east gate. Late deliveries are fined with 50 EUR an hour.",
    "| Allergen | Dish | Mark |\n|---|---|---|\n| Nuts | Walnut bread | N |\n| Milk | Potato soup | M |\n| Egg | Pancakes | E |\n\nThe list is checked by Tomas Weil, not by the cooks.",
)
_CANTEEN = """
bound|How long is soup kept?|Soup may be kept hot for three hours at most.|Soup is kept hot for at least three hours.
day|When does meat come?|Meat is delivered on Thursday.|Meat is delivered on Tuesday.
subject|What do visitors pay?|Visitors eat for 7.20 EUR.|Nurses eat for 7.20 EUR.
who|Who may use the slicer?|Only trained cooks may use the slicer.|All cooks may use the slicer.
unit|How fast are leftovers cooled?|Leftovers are cooled to 5 degrees in 90 minutes.|Leftovers are cooled to 5 degrees in 90 seconds.
name|Where are cards topped up?|Cards are topped up with Nora Falk on the ground floor.|Cards are topped up with Tomas Weil on the ground floor.
name|Where are cards topped up?|Nora Falk tops up the cards.|Ines Brandt tops up the cards.
subject|How much water does it need?|The Spulo 20 needs 18 litres.|The Spulo 40 needs 18 litres.
rate|How often are they descaled?|The dishwashers are descaled once a month.|The dishwashers are descaled once a week.
name|Who descales them?|Klarwerk descales the dishwashers.|Obsthof Reim descales the dishwashers.
number|When does the contract end?|The contract ends on 30 June 2033.|The contract ends on 30 June 2023.
unit|How long before is notice given?|Notice is given three months before.|Notice is given three weeks before.
place|Where do deliveries arrive?|Deliveries arrive at the east gate.|Deliveries arrive at the west gate.
rate|What is the fine?|Late deliveries cost 50 EUR per hour.|Late deliveries cost 50 EUR per day.
row|What holds nuts?|The walnut bread holds nuts.|The potato soup holds nuts.
negation|Who checks the list?|Tomas Weil checks the list.|The cooks check the list.
free|Do children pay?|Children under six eat for free.|Children under six pay 3.50 EUR.
number|When are meals for night shifts ordered?|Meals for night shifts are ordered before 16:00.|Meals for night shifts are ordered after 16:00.
opposite|Which dishwasher is older?|The Spulo 20 is older.|The Spulo 40 is older.
subject|When are knives counted?|Knives are counted at the end of each shift.|Plates are counted at the end of each shift.
"""
SHOP = tuple(tuple(line.split("|")) for line in _SHOP.strip().splitlines())
CANTEEN = tuple(tuple(line.split("|")) for line in _CANTEEN.strip().splitlines())
