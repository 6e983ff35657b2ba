"""Small templates: operators, methods, filters, tests, statements, white space control. Most are made by combination."""
import itertools
import random

DATA = {
    "s": "Hello, World", "e": "", "b": "  \t two  words \n", "u": "Grüße, 東京 🦆\u3000", "n": 7, "z": 0, "f": 2.5, "t": True, "o": None,
    "l": [3, 1, 2], "w": ["b", "A", "c", "a"], "d": {"x": 1, "y": [1, 2], "items": "shadowed", "a key": None},
    "r": [{"n": "Eve", "k": 3, "in": {"a": 1}}, {"n": "adam", "k": 1, "in": {}}, {"n": "Bob", "k": 3, "in": {"a": 0}}],
    "q": "it's \"so\" \\ <b>&\n", "big": 12345678901234567890, "tiny": 1e-05, "wide": "a,b,,c",
}

VALUES = ["s", "e", "n", "f", "t", "o", "l", "d", "missing"]

EXPRESSIONS = r"""
1 + 2 * 3 - 4 / 2 || 7 // 2 ~ '|' ~ -7 // 2 ~ '|' ~ 7 // -2 ~ '|' ~ 7.5 // 2 || 7 % 3 ~ ' ' ~ -7 % 3 ~ ' ' ~ 7 % -3 ~ ' ' ~ 7.5 % -2
2 ** 10 || 2 ** 3 ** 2 || -2 ** 2 || 2 ** -1 || 2 ** 0.5 || 2 ** 100 || 10 ** 18 * 10 || 9223372036854775807 + 1 || -9223372036854775808 - 1
1 / 0 || 1 // 0 || 1 % 0 || 1.0 / 0 || 0.1 + 0.2 || 1e16 || 1e15 || 1.0 || 1e-4 || 0.00001 || 1.5e300 * 1e10 || 123456789.123 || 1e22 || 5e-324 || 0.1 * 3
1_000 + 0x1F + 0b101 + 0o17 || 1_0.5_0 || 1e3 || 1E-3 || 100 || 00 || 3.14 || 1.e3 || 1. || .5
not 1 == 1 || not true and false || 1 < 2 < 3 || 1 < 3 < 2 || 1 == 1.0 || 1 == true || 'a' < 'b' || 'a' < 'B' || [1, 2] < [1, 3] || (1, 2) == [1, 2] || [1, 2] == [1, 2.0]
'a' in 'abc' || 'a' not in 'abc' || 1 in [1, 2] || '' in 'x' || 'x' in d || 'q' in d || 1 in 'abc' || 'a' in none || 'a' in missing || missing in [1] || none in [none] || true in [1] || 'x' in d.keys() || 1 in d.values()
'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1, 'x'] ~ {'k': none} || 'a' + 'b' || 'a' + 1 || 1 + 'a' || 'ab' * 3 || 3 * 'ab' || 'ab' * -1 || [1] * 3 || [1] + [2] || (1,) + (2,) || [1] + (2,)
none + 1 || missing + 1 || 1 + missing || -missing || -'a' || +true || -true || - -1 || none < 1 || 'a' < 1 || {} < {} || true + true || missing < 1 || missing == missing || missing == none || missing != 1
1 if true else 2 || 1 if false || (1 if false) is defined || 1 if false else 2 if false else 3 || (1 if missing else 'no') || 'yes' if s and not e else 'no' || 1 if n > 5 if true
true and 'x' || false and 'x' || '' or 'y' || 0 or none || 1 and 2 or 3 || not '' || not [] || not {} || not 0.0 || not missing || not none || not 'x'
[1, 2, 3][0] || [1, 2, 3][-1] || [1, 2, 3][3] || [1, 2, 3][-4] is defined || [1][5].x || 'abc'[1] || 'abc'[-1] || 'abc'[7] || u[7] || u[-2] || d['x'] || d['q'] || d.x || d.q.z || d['items'] || d.items is callable || d['a key'] || (1, 2)[1]
[1, 2, 3, 4, 5][1:3] || [1, 2, 3][::-1] || 'hello'[1:] || 'hello'[:-1] || 'hello'[::2] || 'hello'[::-1] || 'hello'[-3:-1] || 'hello'[10:] || [1, 2, 3][-10:2] || 'hello'[3:1] || 'hello'[4:0:-2] || 'hello'[:2:-1] || u[3:9] || u[::-1] || l[:] || (1, 2, 3)[1:] || range(10)[2:8:3] | list || range(5)[::-1] | list || 'abc'[::0] || d[1:] || 'abc'[none:2]
s.upper() || s.lower() || s.title() || 'hello wORLD'.capitalize() || 'they\'re bill\'s'.title() || s.swapcase || 'ßa'.upper() || 'ǆx'.title() || 'ΑΣ'.lower() || 'ﬁx'.capitalize()
b.strip() ~ '|' || b.lstrip() ~ '|' || b.rstrip() ~ '|' || 'xxaxx'.strip('x') || 'xyaxy'.lstrip('yx') || 'xyaxy'.rstrip('yx') || '\u3000\x1f a\x85\u2003'.strip() || '\u200b a'.strip() || 'a'.strip('') || 'a'.strip(none) || 'a'.strip(1)
s.split() || s.split(',') || b.split() || ''.split() || ''.split(',') || 'a b  c'.split(' ') || 'a,b,c'.split(',', 1) || 'a b c d'.split(none, 2) || ' a b  c '.split(maxsplit=1) || 'a,b,c'.rsplit(',', 1) || ' a b c '.rsplit(none, 1) || 'a'.split('') || wide.split(',')[-1] || 'aXbX'.split('X') || 'a\u3000b\x1cc'.split() || 'aaa'.split('aa') || 'aaa'.rsplit('aa')
'a\nb\r\nc\rd\x0be\x1cf\u2028g'.splitlines() || 'a\n'.splitlines() || 'a\nb'.splitlines(true) || ''.splitlines() || '\n\n'.splitlines()
s.startswith('Hell') || s.startswith(('x', 'H')) || s.endswith('ld') || s.endswith(('a', 'b')) || s.startswith('') || s.startswith('ello', 1) || s.startswith('ello', 1, 3) || s.endswith('Hell', 0, 4) || s.startswith(1) || s.startswith(['H']) || ''.startswith('', 1)
s.replace('l', 'L') || s.replace('l', 'L', 2) || s.replace('', '-') || s.replace('', '-', 2) || ''.replace('', 'x') || 'aaa'.replace('aa', 'b') || s.replace('zz', 'y') || s.replace('l', 1) || 'a'.replace('a', 'b', -1) || u.replace('', '.')
s.find('o') || s.rfind('o') || s.find('q') || s.index('W') || s.index('q') || s.count('l') || s.count('') || 'aaaa'.count('aa') || u.find('京') || s.find('o', 5) || s.find('o', -3) || s.find('', 3) || s.count('l', 3, 4) || u.find('🦆') || s.find('o', 100) || 'abc'.find('', 9)
', '.join(['a', 'b']) || ','.join([]) || ','.join('abc') || ','.join([1]) || ''.join(d) || '-'.join(('x', 'y')) || ','.join(none) || ','.join(w | map('upper'))
'12'.isdigit() || ''.isdigit() || 'a1'.isalnum() || 'ab'.isalpha() || ' '.isspace() || 'AB'.isupper() || 'Ab'.islower() || 'é'.isalpha() || '12'.isdecimal() || '1'.isupper() || 'abc'.isascii() || 'é'.isascii()
'ab'.zfill(5) || '-3'.zfill(5) || 'ab'.center(7) || 'ab'.center(6) ~ '|' || 'abc'.center(6) ~ '|' || 'ab'.ljust(5, '.') || 'ab'.rjust(5, '.') || 'ab'.ljust(1) || 'prefix-x'.removeprefix('prefix-') || 'x.py'.removesuffix('.py') || 'a=b=c'.partition('=') || 'a=b=c'.rpartition('=') || 'abc'.partition('=') || 'abc'.rpartition('=')
'{} and {}'.format(1, 'x') || '{1}{0}'.format('a', 'b') || '{a}-{b.x}'.format(a=1, b=d) || '{0[y][1]}'.format(d) || '{:>5}|{:<5}|{:^5}'.format('a', 'b', 'c') || '{:05d} {:,} {:x} {:+}'.format(42, 1234567, 255, 3) || '{:.2f} {:8.3f} {:.0%}'.format(3.14159, 2.5, 0.25) || '{{}}{!r}{!s}'.format('a', none) || '{}'.format() || '{' .format(1) || '{:*^9}'.format('mid') || '{:.2}'.format('abc') || '{x}'.format(y=1)
'%s and %s' % ('a', 1) || '%d%%' % 5 || '%5d|%-5d|%05d' % (1, 2, 3) || '%.2f' % 3.14159 || '%s' % none || '%s' % [1] || '%(x)s' % d || '%r' % 'a' || '%x %X %o' % (255, 255, 8) || '%s' % (1, 2) || '%d' % 'a' || '%s %s' % 'a' || 'a' % 1 || '%c' % 65 || '%+d' % 3 || '%5s|%-5s|%.1s' % ('ab', 'cd', 'ef') || '%i' % 3.9 || '%s' | format('x') || '%s-%s' | format(1, 2) || '%(a)s' | format(a=1)
d.get('x') || d.get('q') || d.get('q', 5) || d.keys() || d.values() || d.items() || d.keys() | list || d.items() | list || d.copy() == d || d.pop('x') || d.update({}) || d.clear() || l.append(1) || l.sort() || l.index(1) || l.index(9) || l.count(3) || (1, 2, 1).count(1) || l.pop() || l.copy() || d.setdefault
s.nothing is defined || s.nothing || s.upper is defined || s.upper is callable || s.__class__ || s.__class__ is defined || d.__class__.x || ''.__class__.__mro__ || l.nothing.more || none.x is defined || none.x.y || 5 .x is defined || true.x is defined || missing.x || missing['x'] || missing() || s() || none() || d.x() || d.nothing()
l | length || s | count || u | length || d | length || none | length || 5 | length || missing | length || '🦆' | length || range(3) | length || d.items() | length || (l | map('string')) | length
s | upper || s | lower || 'hello-world (x) [y]' | title || 'hELLO' | capitalize || b | trim ~ '|' || 'xax' | trim('x') || 5 | upper || none | upper || missing | upper || none | trim || 5 | trim || true | lower || u | upper || "o'neil mc-x" | title || b | title
s | replace('l', 'L') || s | replace('l', 'L', 1) || 5 | replace(5, 6) || none | replace('o', 0) || s | replace('l') || missing | replace('a', 'b') || s | replace('', '_')
missing | default('x') || missing | d('x') || none | default('x') || none | default('x', true) || '' | default('x', boolean=true) || 0 | default(5) || missing | default || d.q | default('no') || missing.x | default('no') || s | default(1/0)
l | first || l | last || [] | first || [] | last is defined || 'abc' | first || 'abc' | last || d | first || d | last || none | first || {} | first is defined || (l | map('string')) | first || (l | map('string')) | last || range(5) | last
l | join || l | join(', ') || w | join('-') || [1, none, true, 2.5, 'x'] | join('|') || 'abc' | join('.') || d | join(',') || r | join(',', attribute='n') || missing | join(',') || none | join || 5 | join || [[1], {'a': 1}] | join(' ') || r | join(attribute='in.a')
l | sort || w | sort || w | sort(case_sensitive=true) || l | sort(reverse=true) || r | sort(attribute='k') | map(attribute='n') | join(' ') || r | sort(attribute='k,n') | map(attribute='n') | list || r | sort(true, attribute='k') | map(attribute='n') | list || ['b', 1] | sort || [none, none] | sort || [2, 1.5, true] | sort || d | sort || [[2], [1, 5], [1]] | sort || [(2, 'a'), (1, 'b')] | sort
l | reverse | list || s | reverse || d | reverse | list || (l | map('string')) | reverse || l | reverse || none | reverse || missing | reverse || (1, 2) | reverse | join
w | unique | list || ['a', 'A', 'b'] | unique | list || ['a', 'A'] | unique(true) | list || [1, 1.0, true, 2] | unique | list || r | unique(attribute='k') | map(attribute='n') | list || [[1]] | unique | list
l | min || l | max || w | min || w | max || [] | max || [] | max is defined || r | max(attribute='k') || w | max(case_sensitive=true) || [1, 'a'] | min || 'hello' | max || [true, 2] | max
l | sum || [] | sum || [0.1, 0.2] | sum || r | sum(attribute='k') || l | sum(start=10) || ['a'] | sum || [[1], [2]] | sum(start=[])
d | dictsort || {'b': 1, 'A': 2} | dictsort || {'b': 1, 'A': 2} | dictsort(true) || {'b': 1, 'A': 2} | dictsort(false, 'value') || {'b': 1, 'A': 2} | dictsort(reverse=true) || d | dictsort(by='x') || l | dictsort || {'a': 1, 'b': 'x'} | dictsort(by='value')
d | items || d | items | list || missing | items | list || l | items | list || none | items | list || d.items() || {} | items | list || d | list || s | list || missing | list || 5 | list || none | list
l | map('string') | list || w | map('upper') | join || r | map(attribute='n') | list || r | map(attribute='in.a') | list || r | map(attribute='in.a', default=9) | list || r | map(attribute='zz', default='?') | list || l | map || l | map('nothing') | list || l | map('replace', '1', 'x') | list || [[1, 2], [3]] | map('first') | list || [[1, 2], [3]] | map(attribute=0) | list || l | map('default', 1) | list || none | map('upper') | list || s | map('upper') | join('.') || l | map('string') || [[1, 2]] | map('join', ',') | list
l | select | list || [0, 1, '', 'a', none, [], [0]] | select | list || l | select('odd') | list || l | reject('odd') | list || l | select('gt', 1) | list || l | select('>', 1) | list || w | select('equalto', 'A') | list || l | select('in', [1, 2]) | list || l | select('nothing') | list || w | reject('in', ['a', 'b']) | list || [1, 'a', none] | select('string') | list || [1, missing] | select('defined') | list || none | select | list || l | select('divisibleby', 3) | list
r | selectattr('k', 'eq', 3) | map(attribute='n') | list || r | selectattr('in') | map(attribute='n') | list || r | rejectattr('in') | list || r | selectattr('in.a', 'defined') | list | length || r | rejectattr('k', '==', 3) | map(attribute='n') | join || r | selectattr || r | selectattr('zz') | list || r | selectattr('zz', 'none') | list || r | selectattr('zz.y') | list || r | selectattr('n', 'string') | list | count
r | groupby('k') || r | groupby('k') | map(attribute='grouper') | list || r | groupby('k') | map('last') | map('length') | list || r | groupby('n') | map(attribute='list') | map('first') | map(attribute='k') | list || r | groupby('in.a', default=7) | map('first') | list || w | groupby('0') | list
[1, 2, 3, 4, 5] | batch(2) | list || [1, 2, 3] | batch(2, 'x') | list || [1, 2, 3, 4, 5] | slice(2) | list || [1, 2, 3, 4, 5] | slice(3, 'x') | list || [] | batch(2) | list || [1, 2] | slice(0) | list
'12' | int || '12.7' | int || 'x' | int || 'x' | int(5) || '0x1F' | int(base=16) || 'ff' | int(0, 16) || 12.9 | int || -12.9 | int || none | int || none | int(-1) || true | int || ' 7 ' | int || '1_000' | int || '1e3' | int || 'inf' | int || l | int || missing | int || '' | int || '-5' | int || '0b11' | int(0, 0) || '012' | int || '+3' | int
'1.5' | float || 'x' | float || 'x' | float(2.5) || 7 | float || none | float || '1e3' | float || 'inf' | float || 'nan' | float || ' 2 ' | float || '1_0.5' | float || true | float || '-0' | float || '.5' | float || '5.' | float || '1e' | float || '0x10' | float || '1f' | float || missing | float || big | float
2.5 | round || 3.5 | round || 2.567 | round(2) || 2.5 | round | int || 1234 | round(-2) || 1250.0 | round(-2) || 2.1 | round(0, 'ceil') || 2.9 | round(method='floor') || 2.675 | round(2) || 5 | round || -2.5 | round || 1.15 | round(1) || 'x' | round || 2.345 | round(1, 'floor') || 7 | round(1, 'ceil') || 2.5 | round(1, 'x') || 0.5 | round || 1.5 | round || none | round || 1e300 | round(2)
-5 | abs || (-5) | abs || (-2.5) | abs || true | abs || 'x' | abs || none | abs || (-0.0) | abs
5 | string || none | string || true | string || 1.0 | string || [1, 'a', none, true, 1.5] | string || {'a': [1, (2,)]} | string || missing | string || q | string || (1, 2) | string || () | string || [()] || [missing] || {'a': missing} || [d.x, d.q] || range(3) || range(1, 9, 2) || ns is defined || namespace || range || [q] || ['\x00\x7f\xa0\xad\u200b\u2028\ud7ff\ue000🦆\U000e0001\n\t\r'] || ["'"] || ['"'] || ["'\""] || [s | safe] || [1e100, -0.0, 1e-7]
d | tojson || l | tojson || q | tojson || u | tojson || none | tojson || true | tojson || 1.0 | tojson || tiny | tojson || big | tojson || 1e22 | tojson || missing | tojson || [missing] | tojson || (1, 2) | tojson || {} | tojson || [] | tojson || [[], {}] | tojson(indent=2) || d | tojson(indent=2) || d | tojson(indent=0) || {'b': 1, 'a': [1, {'c': none}]} | tojson(indent=4, sort_keys=true) || d | tojson(separators=(',', ':')) || u | tojson(ensure_ascii=true) || {1: 2, none: 3} | tojson || range(3) | tojson || d.items() | tojson || ('nan' | float) | tojson || ('inf' | float) | tojson || '\x00\x1f\x7f\u2028</script>' | tojson || '\x7f' | tojson(true) || d | tojson(indent='--') || d | tojson(none, none) || [1, [2, [3]]] | tojson(indent=1) || d | tojson(x=1) || (l | map('string')) | tojson || s | safe | tojson || {'b': 1, 'a': 2} | tojson(sort_keys=true, separators=['; ', ' = '])
'a\nb' | indent || 'a\nb' | indent(2) || 'a\nb' | indent(2, true) || 'a\n\nb\n' | indent(2) || 'a\n\nb' | indent(2, blank=true) || 'a\nb' | indent('> ') || '' | indent(2, true) || 5 | indent || 'a\r\nb' | indent(1) || 'a\n' | indent ~ '|' || missing | indent
'ab' | center(6) ~ '|' || 'a b c d e f' | truncate(5) || 'a b c d e f g h' | truncate(5, true) || 'abcdefghijklmnop' | truncate(6, end='~') || 'abc def ghi' | truncate(7, false, '', 0) || 'hello world foo' | truncate(9, leeway=0) || s | truncate(2) || 'one two, three_4 — five' | wordcount || '' | wordcount
'<a href="x">&\'' | e || '<b>' | escape || '<b>' | safe || ('<b>' | safe) + '<i>' || '<i>' + ('<b>' | safe) || '<i>' ~ ('<b>' | safe) || '<b>' | e | e || '<b>' | e | forceescape || ('<b>' | safe) | upper || ('<b>' | safe).upper() || ('a<b' | safe).split('<') || ('<b>' | safe) | length || ('a' | safe) == 'a' || ('<b>' | safe) | replace('<', '>') || ('<b>' | safe)[0] + '<' || ('<b>' | safe) | string + '<' || ('a' | safe) in 'abc' || ('a' | safe) * 2 + '<' || none | safe || 5 | e
d | attr('items') is callable || d | attr('x') is defined || d | attr('nothing') || s | attr('upper') is defined || missing | attr('x')
s is string || 5 is string || s is sequence || l is sequence || d is sequence || 5 is sequence || missing is sequence || d is mapping || l is mapping || l is iterable || s is iterable || 5 is iterable || none is iterable || missing is iterable || (l | map('string')) is sequence || (l | map('string')) is iterable || d.items() is sequence || d.items() is iterable || range(3) is sequence || (1, 2) is sequence
5 is number || 5.0 is number || true is number || '5' is number || 5 is integer || true is integer || 5.0 is integer || 5.0 is float || 5 is float || true is boolean || 1 is boolean || none is none || missing is none || missing is undefined || s is undefined || s is defined || d.q is defined || d.x is defined || d['a key'] is defined || d['a key'] is none
true is true || 1 is true || false is false || 0 is false || none is false || 3 is odd || 4 is even || 3 is even || -3 is odd || 2.0 is even || 9 is divisibleby 3 || 9 is divisibleby(4) || 9 is divisibleby 0 || 'x' is odd || none is even || 'abc' is lower || 'ABC' is upper || 'aBc' is lower || 5 is lower || '' is upper
1 is eq 1 || 1 is equalto 1.0 || 1 is ne 2 || 1 is lt 2 || 1 is lessthan 2 || 2 is gt 1 || 2 is greaterthan 1 || 1 is le 1 || 1 is ge 2 || 1 is in [1, 2] || 'a' is in 'abc' || 3 is not in [1] || 'a' is not string || s is not defined || s is sameas s || none is sameas none || true is sameas true || 1 is sameas true || l is sameas l || [] is sameas [] || 'upper' is filter || 'nothing' is filter || 'odd' is test || range is callable || 5 is callable || s is escaped || (s | safe) is escaped || missing is callable
s is nothing || s | nothing || s | filesizeformat(1) if false || 1 if true else s | nothing || s is string is string || 5 is lt 6 and 6 is gt 5 || s is defined and s | length > 3 || not s is defined || s is defined == true || n is eq n + 1 || n is eq(n) + 1 || n + 1 is odd || -n is odd || 'a' 'b' "c" || ('a' 'b') ~ 'c'
range(3) | list || range(1, 4) | list || range(5, 0, -2) | list || range(0) | list || range(100001) || range('a') || range(1, 2, 0) || range(3)[1] || range(3) | join || range() || range(2.0) || range(3) == range(0, 3) || range(-1) | list
dict(a=1, b=2) || dict({'x': 1}, y=2) || dict([('a', 1)]) || dict() || namespace(a=1).a || namespace(a=1).b is defined || namespace({'a': 1}).a || {'a': 1, 'a': 2} || {'a': 1}.a || {1: 'x'}[1] || {'a': {'b': 1}}.a.b || {[]: 1} || {} || {'a': 1, } || [1, ] || (1, ) || ()
raise_exception('no ' ~ n) || raise_exception('') || raise_exception() || raise_exception('a' if false) || strftime_now('%Y-%m-%d') || strftime_now('%d %B %Y %H:%M:%S %j %a %A %b %p %I %y %%') || joiner is callable || strftime_now(5) || strftime_now('%-d.%-m.')
'\n\t\\\'\"' || "a\x41\u00e9\U0001F986\101\0" || 'a\qb' || 'a\
b' || '\N{SNOWMAN}' || '\x4' || "it's" || 'tab	in' || '\a\b\f\v\r' || '\ud800' | length || 'é' || '\u0041\'
d.x.y.z || d.y[0] || d.y.0 || d.y.1.x is defined || r.0.n || r[0]['in'].a || r[-1].n || (r | first).n || r | map(attribute='k') | sum || s.split(',')[0].upper()[1:3] || s[0].lower() ~ s[1:] || (s ~ u).split(' ') | map('trim') | select | join('+')
loop || caller || self || varargs || true || True || none || None || nothing_here || kwargs || super() || TRUE
1 + || (1 || 1) || [1, 2 || {1} || {'a' 1} || a b || 1 2 || | upper || s | || s is || s. || s.1.x || s[ || s[] || s[1, 2] || f(a=1, 2) || f(**d, 1) || f(*l, 1) || 'open || "open || a ? b || a && b || !a || a = 1 || {{ 1 }} || for || if || %} || 1 if || not || in || $ || a; b || f(a=1, a=2) || `a` || ä || 1abc || a.1b
"""

STATEMENTS = r"""
{% for x in l %}{{ x }}{% endfor %}
{% for x in l %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.revindex }}/{{ loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }}/{{ loop.depth }}/{{ loop.depth0 }};{% endfor %}
{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}
{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem is undefined }} {% endfor %}
{% for x in l %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x // 2) }}{% endfor %}
{% for x in l %}{{ loop.nothing }}{% endfor %}
{% for x in l %}{{ loop.nothing.x }}{% endfor %}
{% for x in l %}{{ loop }}{{ loop|length }}{% endfor %}
{% for x in l %}{{ loop.cycle() }}{% endfor %}
{% for x in l %}{{ loop(l) }}{% endfor %}
{% for x in [] %}a{% else %}empty{% endfor %}
{% for x in l %}a{% else %}empty{% endfor %}
{% for x in l if x > 1 %}{{ loop.index }}{{ x }}{{ loop.last }}{% else %}none{% endfor %}
{% for x in l if x > 9 %}{{ x }}{% else %}none{% endfor %}
{% for x in l if loop.first %}{{ x }}{% endfor %}
{% for x in l if x > 1 %}{{ loop.length }}{{ loop.revindex }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for k, v in d|items %}{{ loop.length }}{{ k }}={{ v }};{% endfor %}
{% for k in d %}{{ k }},{% endfor %}
{% for v in d.values() %}{{ v }},{{ loop.last }}{% endfor %}
{% for a, b in [(1, 2), [3, 4], 'xy'] %}{{ a }}{{ b }} {% endfor %}
{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}
{% for a, b in [(1,)] %}{{ a }}{% endfor %}
{% for a, b in [1] %}{{ a }}{% endfor %}
{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for x in 'añ🦆' %}[{{ x }}]{% endfor %}
{% for x in missing %}{{ x }}{% else %}nothing{% endfor %}
{% for x in none %}{{ x }}{% endfor %}
{% for x in 5 %}{{ x }}{% endfor %}
{% for x in 1, 2, 3 %}{{ x }}{% endfor %}
{% for x in [3, 1] + [2] %}{{ x }}{% endfor %}
{% for x in l[::-1] %}{{ x }}{{ loop.index0 }} {% endfor %}
{% for x in l|sort %}{{ x }}{% endfor %}
{% for x in range(3) %}{% for y in range(x) %}{{ loop.index }}{{ x }}{{ y }} {% endfor %}{{ loop.index }}|{% endfor %}
{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}
{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for x in l %}{% break %}{% else %}E{% endfor %}
{% for x in l %}{% continue %}{% else %}E{% endfor %}
{% for x in l %}{% if loop.first %}{% continue %}{% endif %}{{ x }}{% else %}E{% endfor %}
{% for x in l %}{% for y in l %}{% if y == 1 %}{% break %}{% endif %}{{ y }}{% endfor %};{% endfor %}
{% break %}
{% if true %}{% continue %}{% endif %}
{% for x in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% for x in l recursive %}{{ x }}{% endfor %}x{{ 1
{% for loop in l %}{{ loop }}{% endfor %}
{% for x in l %}{% set loop = 1 %}{% endfor %}x{{
{% for x.y in l %}{% endfor %}
{% for x in l %}{% set y = x %}{% endfor %}{{ y is defined }}
{% set y = 0 %}{% for x in l %}{% set y = y + x %}{{ y }}{% endfor %}{{ y }}
{% set ns = namespace(y=0) %}{% for x in l %}{% set ns.y = ns.y + x %}{% endfor %}{{ ns.y }}
{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b = ns.a ~ 'x' %}{{ ns.b }}{{ ns.c is defined }}
{% set ns = namespace(a=1) %}{{ ns.c }}{{ ns.c.d }}
{% set d.x = 1 %}
{% set missing.x = 1 %}
{% set ns = namespace(l=[]) %}{% for x in l %}{% set ns.l = ns.l + [x * 2] %}{% endfor %}{{ ns.l }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}
{% set a, b = 'xy' %}{{ a }}{{ b }}
{% set a, b = [1] %}{{ a }}
{% set a, b = b, a %}{{ a is defined }}
{% set a = 1, 2 %}{{ a }}
{% set (a, b) = (1, 2) %}{{ a }}{{ b }}
{% set a = 1 %}{% if true %}{% set a = 2 %}{% endif %}{{ a }}
{% if false %}{% set n = 2 %}{% endif %}{{ n }}
{% if true %}{% set q2 = 2 %}{% endif %}{{ q2 }}
{% set n = n + 1 %}{{ n }}
{% set x %}a{{ n }}b{% endset %}{{ x }}|{{ x|length }}
{% set x | upper %}abc{% endset %}{{ x }}
{% set x | replace('a', 'b') | upper %}abc{% endset %}{{ x }}
{% set x | trim | length %} abc {% endset %}{{ x + 1 }}
{% set x %}{% set y = 1 %}{{ y }}{% endset %}{{ x }}{{ y is defined }}
{% set ns = namespace() %}{% set ns.x %}abc{% endset %}{{ ns.x }}
{% set x = 5 %}{% set x %}{{ x }}{{ x }}{% endset %}{{ x }}
{% set true = 1 %}
{% set none = 1 %}
{% set 1 = 1 %}
{% set a.b.c = 1 %}
{% set a[0] = 1 %}
{% set = 1 %}
{% set a %}x
{% set x = 'a' if n > 9 %}[{{ x }}]{{ x is defined }}
{% set x = 'a' if n > 9 else 'b' %}[{{ x }}]
{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %}
{% if z %}a{% elif n == 7 %}b{% elif true %}c{% endif %}
{% if z %}a{% endif %}|
{% if missing %}a{% else %}b{% endif %}
{% if missing.x %}a{% endif %}
{% if l and d and s %}all{% endif %}
{% if 1, 2 %}tuple{% endif %}
{% if n is defined and n is number %}y{% endif %}
{% if %}x{% endif %}
{% if true %}x
{% if true %}x{% endfor %}
{% endif %}
{% else %}
{% if true: %}x{% endif %}
{% for x in l: %}{{ x }}{% endfor %}
{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}|{{ m(1, 3) }}|{{ m(1, c=9) }}|{{ m() }}|{{ m(b=0, a=5) }}
{% macro m(a) %}{{ a is defined }}{{ a }}{% endmacro %}{{ m() }}{{ m(none) }}{{ m(missing) }}
{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m() }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=1) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}
{% macro m(a, b=n) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}
{% macro m(a=1, b) %}{% endmacro %}
{% macro m(*a) %}{% endmacro %}
{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}{{ m() }}
{% macro m(a) %}{{ a }}{{ varargs|length }}{% for v in varargs %}{{ v }}{% endfor %}{% endmacro %}{{ m(1, 2, 3) }}
{% macro m(a) %}{{ a }}{{ kwargs.b }}{% endmacro %}{{ m(1, b=3) }}{{ m(b=1) }}
{% macro m() %}{{ n }}{{ s }}{% endmacro %}{{ m() }}
{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}
{% macro m() %}{{ y is defined }}{% endmacro %}{% for y in l %}{{ m() }}{% endfor %}
{% for y in l %}{% macro m() %}{{ y }}{{ loop.index }}{% endmacro %}{{ m() }}{% endfor %}{{ m is defined }}
{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{{ x is defined }}
{% set x = 1 %}{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}
{% set ns = namespace(c=0) %}{% macro m() %}{% set ns.c = ns.c + 1 %}{% endmacro %}{{ m() }}{{ m() }}{{ ns.c }}
{% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}
{% macro m(x) %} {{ x }} {% endmacro %}[{{ m(1) | trim }}][{{ m(2)|length }}]{{ m(3) is string }}{{ m is callable }}{{ m.name }}
{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body{{ n }}{% endcall %}
{% macro m() %}[{{ caller('x', 2) }}]{% endmacro %}{% call(a, b=1) m() %}{{ a }}{{ b }}{% endcall %}
{% macro m() %}{{ caller is defined }}{{ caller() if caller }}{% endmacro %}{{ m() }}{% call m() %}x{% endcall %}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro m(x) %}{{ x }}{% endmacro %}{% call m(1) %}x{% endcall %}
{% macro outer() %}{% call inner() %}<{{ caller() }}>{% endcall %}{% endmacro %}{% macro inner() %}({{ caller() }}){% endmacro %}{% call outer() %}c{% endcall %}
{% call s %}{% endcall %}
{% call s.upper() %}{% endcall %}
{% macro m(x) %}{{ x }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'x': 2}) }}{{ m(*l) }}
{% macro m(x, y) %}{{ x }}{{ y }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(1, **{'y': 2}) }}{{ m(*'ab') }}
{% macro m %}{% endmacro %}
{{ s.replace(*['l', 'L']) }}{{ range(*[1, 3]) | list }}
{% filter upper %}abc {{ s }}{% endfilter %}
{% filter replace('a', 'b') | upper %}aac{% endfilter %}
{% filter trim %}  x {% set y = 1 %} {% endfilter %}|{{ y is defined }}
{% filter nothing %}x{% endfilter %}
{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}
{% with a = n, n = 3 %}{{ a }}{{ n }}{% endwith %}{{ n }}
{% with %}{% set x = 1 %}{{ x }}{% endwith %}{{ x is defined }}
{% print 1, 2, s %}
{% generation %}said {{ n }}{% endgeneration %}.
{% for x in l %}{% generation %}{% set y = x %}{{ y }}{% endgeneration %}{{ y is defined }}{% endfor %}
{% do l.append(1) %}
{% nothing %}
{% trans %}x{% endtrans %}
{% raw %}{{ x }} {% if %} {# c #}{% endraw %}|
{%- raw -%} {{ x }} {%- endraw -%} |
a {% raw %} b {% endraw %} c
  {% raw %}
  {{ x }}
  {% endraw %}
z
a {%- raw %} b {% endraw -%} c
{% raw %}{% endraw
{% raw %}x
{% rawx %}
{% raw %}{% raw %}{% endraw %}
{# comment #}a{# {{ x }} #}b{#- c -#} d {#+ e +#}
{# unclosed
{##}a{#-#} b
{#
  many
  lines
#}
x
a
  {# c #}
b
a
  {#+ c #}
b
a {# c #} b
{{ 1 }}
{{ 2 }}

{{- 1 -}}  x  {{- 2 }} y {{+ 3 }}
  {{ 1 }}  
{{ -1 }}{{-1}}{{ - 1 }}{{+1}}
{{ '}}' }}{{ "%}" }}{{ {'a': {'b': 1}}['a']['b'] }}{{ {'a':{}} }}
{{ {'a': 1}}}
{{ [1}} ]
{{ }}
{{ 1 %}
{% if 1 }}
{{
{%
{{ 1
{{ 1 }
{ { 1 } }
{ {{ 1 }} }{% if true %}}{% endif %}
{{{'a':1}.a}}
{{ (1,
2) }}
{% if true
%}x{% endif
%}
{%if n%}a{%endif%}
{%-if n-%} a {%-endif-%} b
{{s|upper|lower|title}}{{s.upper().lower()}}
{{ s|replace("l","L")|replace("o","0") }}
{{ 'a' if n else 'b' }}{{ ('a' if z else 'b') ~ 'c' }}
{{ 1, 2 }}{{ (1) }}{{ 1, }}
{{ not n }}{{ not not n }}{{ -n }}{{ n }}{{ +n }}
{{ namespace(a=1) }}
{{ joiner(',') }}
{% set j = joiner('; ') %}{% for x in l %}{{ j() }}{{ x }}{% endfor %}
{% set x = l | map('string') %}{{ x | list }}{{ x | list }}{{ x | length }}
{% set x = l | map('string') %}{% for y in x %}{{ y }}{% endfor %}{% for y in x %}{{ y }}{% else %}gone{% endfor %}{% if x %}true{% endif %}
{% set ns = namespace(seen=[]) %}{% for x in l if x not in ns.seen %}{% set ns.seen = ns.seen + [x, x - 1] %}{{ x }}{% endfor %}
{% extends 'x' %}
{% include 'x' %}
{% import 'x' as y %}
{% block b %}x{% endblock %}x{{
{% autoescape true %}{{ '<' }}{% endautoescape %}{{
line 1
{{ missing.x }}
{{ raise_exception('stop') }}after
{% for x in l %}{% if x == 1 %}{{ raise_exception('at ' ~ loop.index) }}{% endif %}{{ x }}{% endfor %}
"""

# What jinja2 renders (or refuses later) and we refuse, so that nothing is ever rendered otherwise.
REFUSED = {"{{ namespace }}", "{{ ('a<b' | safe).split('<') }}", "{{ self }}", "{{ super() }}", "{{ s[] }}", "{{ s[1, 2] }}", "  {% raw %}", "{#",
           "{% extends 'x' %}", "{% include 'x' %}", "{% import 'x' as y %}"}

BLOCKS = ["{% if true %}", "{%- if true %}", "{% if true -%}", "{%- if true -%}", "{%+ if true %}", "{% if true +%}", "{%+ if true -%}"]
ENDS = ["{% endif %}", "{%- endif %}", "{% endif -%}", "{%- endif -%}", "{%+ endif %}", "{% endif +%}"]
GAPS = ["", " ", "\n", " \n", "\n ", " \n \n ", "x", " x ", "\tx\n", "\n x"]
PRINTS = ["{{ 1 }}", "{{- 1 }}", "{{ 1 -}}", "{# c #}", "{#- c #}", "{# c -#}", "{#+ c +#}", "{% set y = 1 %}", "{%- set y = 1 -%}",
          "{% raw %} {{ {% endraw %}", "{%- raw -%}\n r \n{%- endraw -%}"]


def expressions():
    for line in EXPRESSIONS.replace("\\\n", "\\\x00").strip().split("\n"):
        for expression in line.replace("\x00", "\n").split(" || "):
            yield "{{ " + expression.strip(" ") + " }}"
    merged = []
    for line in STATEMENTS.strip("\n").split("\n"):
        yield line
        merged.append(line)
    yield "\n".join(merged[-3:])
    yield "a\n  {# c #}\nb\n  {#+ c #}\nd\n  {% raw %}\n  {{ x }}\n  {% endraw %}\nz\n{#\n  many\n#}\nlast\n"
    yield "{% if true\n%}x{% endif\n%}\n{{ (1,\n2) }}\n\n"
    yield "crlf\r\n{% if true %}\r\nx\r{% endif %}\r\n{{ 'a\r\nb' | length }}\r\n\r\n"
    for a, operator, b in itertools.product(VALUES, ["+", "-", "*", "/", "//", "%", "**", "==", "<", "in", "~", "and"], VALUES):
        if operator in ("-", "/", "//", "**") and a not in "nft":  # all the same error
            continue
        yield "{{ " + a + " " + operator + " " + b + " }}"
    for value, test in itertools.product(VALUES, ["defined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence",
                                                  "iterable", "true", "false", "callable", "escaped", "lower", "odd"]):
        yield "{{ " + value + " is " + test + " }}"
    for value, name in itertools.product(VALUES, ["length", "trim", "string", "tojson", "list", "first", "last", "join", "sort", "int", "float", "upper",
                                                  "default(1)", "items | list", "reverse | list", "sum", "max", "safe", "round", "abs", "unique | list"]):
        yield "{{ " + value + " | " + name + " }}"
    draw = random.Random(7)
    for _ in range(400):
        pick = draw.choice
        source = pick(GAPS) + pick(BLOCKS) + pick(GAPS) + pick(PRINTS) + pick(GAPS) + pick(ENDS) + pick(GAPS) + pick(PRINTS) + pick(GAPS)
        yield source
