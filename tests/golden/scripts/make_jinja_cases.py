#!/usr/bin/env python3
"""Renders small templates with Jinja itself: tests/golden/text/jinja.json, one case a template and its names.

usage: make_jinja_cases.py OUT.json   (needs jinja2 3.1)
"""
import json
import re
import sys

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

TASK = jinja2.Environment(keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
TASK.filters["regex_replace"] = lambda s, pattern, repl, count=0: re.sub(pattern, repl, s, count=count)
CHAT = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
CHAT.filters["tojson"] = lambda x, indent=None: json.dumps(x, ensure_ascii=False, indent=indent)

NAMES = {
    "s": "  The quick – brown fox\n", "t": "a,b,,c", "n": 7, "x": 2.5, "yes": True, "no": False, "nothing": None, "empty": "",
    "l": ["b", "A", "c", "a", "B"], "nums": [3, 1, 2], "d": {"z": 1, "a": [1, "two"], "m": {"k": "v"}}, "uni": "Äß “q” 東京",
    "msgs": [{"role": "system", "content": "be"}, {"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo", "n": 2}],
    "label": "1", "choices": {"text": ["w", "x", "y"], "label": ["A", "B", "C"]}, "key": "B", "q": "it's \"q\"",
}
EXPRESSIONS = """
1 + 2 * 3 - 4 // 3 % 2 ** 3
7 // -2
-7 % 3
2 ** 10
7 / 2
1.0
1e20 + 0
0.1 + 0.2
1e-7
123456789.0 * 1e10
-n
- 3 | abs
n > 3 and x < 3
n > 9 or empty or 'last'
not n
not not empty
1 < 2 < 3
1 < 2 > 3
n == 7.0
true == 1
'a' in 'cat'
'z' not in l
'z' in d
n is odd
n is not even
n is divisibleby 7
n is divisibleby(2)
nope is defined
nope is not defined
d.m.k
d['m']['k']
d.get('q', 5)
d.get('q')
d.a[1]
d.a[-1]
l[1:3]
l[::-1]
l[-2:]
l[:-1]
s[2:9]
uni[::-1]
uni|length
l|length
d|length
[1, 'two', 2.0, none, true, ["x\\n"]]
q
[q]
['it\\'s']
{'a': 1, 'b': [1]}
'a' ~ 1 ~ none ~ 2.0
'ab' * 3
[1] * 2
'a' if n > 3 else 'b'
'a' if n > 9 else 'b'
s.strip()
s|trim
s.lstrip() ~ '|'
s.rstrip('\\n ')
'xxabcxx'.strip('x')
t.split(',')
t.split(',', 1)
t.rsplit(',', 1)
' a  b '.split()
' a  b c '.split(None, 1)
t.replace(',', ';')
t.replace(',', ';', 1)
t|replace(',', '')
'aaaa'.replace('aa', 'b')
'abc'.replace('', '-')
uni.upper()
uni|lower
'hELLO wORLD'.capitalize()
"they're bill's 3rd"|title
"they're bill's 3rd".title()
'a.b.c'.startswith('a.')
'a.b.c'.endswith(('x', '.c'))
'banana'.find('an')
'banana'.rfind('an')
'banana'.count('an')
'banana'.index('n')
'12'.isdigit()
'pre-x'.removeprefix('pre-')
'x.py'.removesuffix('.py')
'a\\nb\\r\\nc'.splitlines()
', '.join(l)
l|join(', ')
nums|join
msgs|map(attribute='role')|join(',')
l|map('upper')|list
l|map('replace', 'a', 'x')|list
l|sort
l|sort(case_sensitive=true)
nums|sort(reverse=true)
msgs|sort(attribute='content')|map(attribute='content')|list
l|unique|list
l|reverse|list
'abc'|reverse
l|first
l|last
nums|sum
nums|max
nums|min
msgs|selectattr('role', 'equalto', 'user')|list
msgs|selectattr('n')|list
msgs|rejectattr('role', 'eq', 'user')|map(attribute='role')|list
nums|select('odd')|list
nums|reject('gt', 1)|list
d.items()|map('join', ':')|list
d|items|map('first')|list
d|dictsort|map('last')|list
d.keys()|list
d.values()|list
'12'|int
'x'|int(9)
' 42 '|int
'3.9'|int
'2.5'|float
x|int
2.567|round(2)
2.5|round
2.2|round(0, 'ceil')
-3|abs
empty|default('e')
empty|default('e', true)
nope|default('n')
'a\\nb\\n\\nc'|indent(2)
'a\\nb'|indent(2, true)
choices.label.index(key)
choices.text
(label|int) - 1
'%s' is string
l is iterable
d is mapping
nothing is none
n is number
yes is true
no is false
yes is boolean
n is integer
x is float
'a' is in l
s|regex_replace('[a-z]+', '<\\\\g<0>>')
'a [b] c [d]'|regex_replace('\\\\[.*?\\\\]', '')
'aXbX'|regex_replace('(.)X', '\\\\1', 1)
'  x'|length
range(3)|list
range(5, 1, -2)|list
"\\u00e9\\x41\\t|"
'a' 'b'
l|count
""".strip().split("\n")
TEMPLATES = [
    "plain text {not a tag} 100%\n", "{# gone #}x", "a {{- ' b ' -}} c", "{% raw %}{{ x }}{% endraw %}!", "line\r\nend\n",
    "{% if n > 3 %}big{% elif n > 1 %}mid{% else %}small{% endif %}", "{% if no %}a{% elif empty %}b{% else %}c{% endif %}",
    "{% for m in msgs %}{{ loop.index }}/{{ loop.length }} {{ m.role }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for x in [] %}x{% else %}none{% endfor %}",
    "{% for x in nums if x > 1 %}{{ loop.index0 }}:{{ x }} {% endfor %}", "{% set a = 1 %}{% for x in nums %}{% set a = x %}{% endfor %}{{ a }}",
    "{% set ns = namespace(a=1) %}{% for x in nums %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a %}<{{ n }}>{% endset %}{{ a|length }}{{ a }}", "{% macro f(a, b='d') %}[{{ a }}|{{ b }}]{% endmacro %}{{ f(1) }}{{ f(2, b=3) }}{{ f(b=1, a=2) }}",
    "{% for x in nums %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in nums %}{{ loop.previtem if not loop.first else '^' }}{{ x }}{{ loop.nextitem is defined }}{{ loop.revindex }}{% endfor %}",
    "  {% if yes %}\n  a\n  {% endif %}\nb\n", "  {%- if yes -%}\n  a\n  {%- endif +%}\nb\n", "x\n  {# c #}\ny", "a  {{ n }}  \n  {%+ if yes %}b{% endif %}\n",
    "{% for m in msgs %}\n{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}\n{% endfor %}\n",
    "{{ msgs|tojson }}", "{{ d|tojson(indent=2) }}", "{{ uni|tojson }}", "{{ [1.0, true, none, 'a\"\\n']|tojson }}",
    "{% for a in nums %}{% for b in nums %}{{ a * b }}{{ loop.index }} {% endfor %}{{ loop.index }}|{% endfor %}",
    "{%- set system = msgs[0].content if msgs[0].role == 'system' else 'none' -%}{{ system }}{% for m in msgs[1:] %}{{ m.content|trim }}{% endfor %}",
]


def main():
    cases = []
    for name, env in (("task", TASK), ("chat", CHAT)):
        sources = ["{{ " + e + " }}" for e in EXPRESSIONS] + TEMPLATES
        for source in sources:
            if name == "chat" and "regex_replace" in source or name == "task" and ("tojson" in source or "break" in source):
                continue
            try:
                cases.append({"syntax": name, "template": source, "rendered": env.from_string(source).render(**NAMES)})
            except Exception as error:  # what Jinja refuses, we refuse
                cases.append({"syntax": name, "template": source, "error": type(error).__name__})
    with open(sys.argv[1], "w") as out:
        json.dump({"reference": "jinja2==" + jinja2.__version__, "names": NAMES, "cases": cases}, out, ensure_ascii=False, indent=0)
        out.write("\n")
    print(len(cases), "cases,", sum("error" in c for c in cases), "errors")


if __name__ == "__main__":
    main()
