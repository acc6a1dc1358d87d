"""Closed classes of English as word lists: for texts without a parse, and for what tags do not say.

Closed classes after Huddleston & Pullum, The Cambridge Grammar of the English Language (2002);
names and nouns are the commonest of children's stories.
"""

from __future__ import annotations


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


DETERMINERS = _words(
    "the a an this that these those every each some any no all both either neither"
)
DEMONSTRATIVES = _words("this that these those")
TITLE_ABBREVIATIONS = _words("mr mrs ms dr prof st gen gov sen rep rev col maj capt lt sgt")
TITLES = TITLE_ABBREVIATIONS | _words(
    "miss sir madam lady lord king queen prince princess captain officer professor uncle aunt "
    "auntie grandma grandpa granny"
)
ABBREVIATIONS = _words("etc inc ltd co corp bros jr sr dept ave rd")
"""What is written with a dot wherever it stands, the end of a sentence included."""
BEFORE_FIGURES = _words(
    "No Nos Vol vol Fig fig p pp Ch Sec Art Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"
)
"""What is an abbreviation before a figure ("No. 5", "Jan. 5")."""
PREPOSITIONS = _words(
    "of in to for with on at from by about into over under through after before around near behind "
    "between up down off out inside outside onto across along without like towards toward beside "
    "against until during above below upon past among within"
)
MODALS = _words("'ll ’ll will would can could shall should may might must ca wo sha")
DO = _words("do does did")
HAVE = _words("have has had having 've ’ve")
AUXILIARIES = (
    MODALS
    | DO
    | HAVE - {"having"}
    | _words("be am is are was were been being 's 're 'm 'd ’s ’re ’m ’d")
)
COORDINATING = _words("and but or so nor yet")
SUBORDINATING = _words(
    "because if when while that as until before after since although though unless whether than"
)
PARTICLES = _words("to not n't n’t nt 's ’s")
NEGATIONS = _words("not n't n’t nt no never nothing nobody none nowhere neither nor")
WH_WORDS = _words(
    "who whom whose what which where when why how whoever whatever whichever wherever whenever"
)
TIME_ADVERBS = _words(
    "then now soon later suddenly once always never often again today tomorrow yesterday tonight "
    "finally first next already still ever sometimes before after afterwards early late"
)
NUMBERS = _words(
    "one two three four five six seven eight nine ten eleven twelve twenty thirty hundred thousand"
)
INTERJECTIONS = _words(
    "oh hi hello hey wow yes no ok okay please sorry thanks yay bye goodbye ouch hooray uh ah"
)

FIRST_PERSON = _words("i me my mine myself we us our ours ourselves")
SECOND_PERSON = _words("you your yours yourself yourselves")
HE = _words("he him his himself")
SHE = _words("she her hers herself")
IT = _words("it its itself")
THEY = _words("they them their theirs themselves")
PRONOUNS = (
    FIRST_PERSON
    | SECOND_PERSON
    | HE
    | SHE
    | IT
    | THEY
    | _words("who whom what someone something anyone anything everyone everything nobody nothing")
    | _words("everybody somebody anybody this that these those there")
)
REFLEXIVES = _words("myself yourself himself herself itself ourselves yourselves themselves")

SPEECH_VERBS = _words(
    "say says said saying ask asks asked asking reply replies replied replying answer answers "
    "answered shout shouts shouted shouting whisper whispers whispered cry cries cried yell yells "
    "yelled exclaim exclaims exclaimed explain explains explained tell tells told telling call "
    "calls called calling respond responds responded suggest suggests suggested add adds added "
    "agree agrees agreed warn warns warned scream screams screamed mutter mutters muttered "
    "announce announces announced begin begs beg begged wonder wonders wondered think thinks "
    "thought squeal squealed giggle giggled laugh laughed sigh sighed gasp gasped sob sobbed"
) - {"begin"}

MEN = _words(
    "tim timmy tom tommy max ben benny jack bob bobby sam sammy joe joey billy bill jim jimmy john "
    "johnny mike leo fred freddy peter henry charlie jake dave george james daniel danny david "
    "adam "
    "alex andy harry luke mark matt nick oliver ollie pete ryan simon steve ted toby will william "
    "jason kevin lenny oscar paul rex roger spike buddy finn eric ethan jerry"
)
WOMEN = _words(
    "lily sue mia amy lucy anna jane sara sarah mary emma molly sally ella daisy jenny lisa emily "
    "bella zoe jill kitty susie suzy tina mandy betty rose nina lola mimi kate katie annie lena "
    "lilly alice ellie grace jen julie kim lola maggie maria nancy olivia penny polly rosie ruby "
    "sophie stella clara abby becky cindy dolly eva fiona holly ivy jessica laura lulu"
)
MALE_NOUNS = _words(
    "boy man dad daddy father papa pa grandpa grandfather brother son uncle king prince mr sir "
    "husband nephew wizard gentleman guy policeman fireman mailman farmer"
)
FEMALE_NOUNS = _words(
    "girl woman mom mommy mum mummy mother mama ma grandma grandmother granny sister daughter aunt "
    "queen princess mrs ms miss lady wife niece fairy witch ballerina"
)
PERSON_NOUNS = _words(
    "friend child kid baby person teacher doctor neighbor neighbour stranger owner cousin parent "
    "nurse driver chef captain pirate worker player student toddler twin captain leader helper"
)
ANIMALS = _words(
    "dog cat bird bunny rabbit bear fox frog fish mouse lion tiger duck owl squirrel monkey pig "
    "cow "
    "horse puppy kitten bug bee ant butterfly elephant dragon turtle snake wolf sheep chicken hen "
    "goat pony deer snail spider whale dinosaur monster robot animal pet crab worm dolphin shark"
)
TIME_NOUNS = _words(
    "time day night morning afternoon evening week month year moment minute hour today tomorrow "
    "yesterday summer winter spring birthday way"
)
IRREGULAR_PLURALS = _words(
    "children grandchildren people men women policemen firemen snowmen gentlemen mailmen fishermen "
    "feet teeth mice geese wolves leaves knives lives parents clothes"
)
IRREGULAR_PASTS = _words(
    "was were been had did done said went gone saw seen got gotten came made took taken found ran "
    "told gave given felt thought knew known heard left kept held began begun brought met sat "
    "stood fell fallen ate eaten flew flown grew grown threw thrown drew drawn hid hidden caught "
    "lost built bought taught slept wore worn woke woken broke broken spoke spoken chose chosen "
    "forgot forgotten shook shaken rode ridden drove driven sang sung swam swum rang rung blew "
    "blown became understood paid sent won hung fed led spent stuck swung tore torn dug bit bitten "
    "laid lay lain rose risen shone sold swept drank drunk sank sunk lit slid wept wrote written "
    "meant dealt bent lent burnt learnt dreamt leapt crept knelt fought sought shot stole stolen "
    "froze frozen spun struck stung sprang sprung shrank shrunk clung flung fled bled bred sped "
    "wound bound sewn born bore borne swore sworn withdrew withdrawn shown proven sown stank stunk "
    "foresaw foreseen mistook mistaken forgave forgiven forbade forbidden undid undone overcame"
)
BASE_AND_PAST = _words("put hit hurt read cut shut set split spread burst cost bet quit cast")
"""Past forms that are base forms too; "let" is left out, which is hardly ever a past."""
BASE_AND_PARTICIPLE = _words("come become overcome run overrun")
"""Participles that are base forms too, with a past of their own ("came")."""
