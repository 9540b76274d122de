# SPDX-License-Identifier: GPL-2.0-only
# Are the records of $actual whose type is among $types (words) just those that $expected asks for,
# each once, in any order? Unless $cookies (a boolean), a record's cookie may be null.
# An expected record names the keys that matter: a plain value has to be equal, {"min":,"max":} is a
# range of numbers, {"re":} a pattern. Prints what is wrong, as text; nothing when all is well.

def normal:
	(if has("holders") and (.holders | type) == "array" then .holders |= sort else . end);

def fits($want):
	if ($want | type) != "object" then . == $want
	elif $want | has("re") then type == "string" and test($want.re)
	else type == "number" and . >= ($want.min // .) and . <= ($want.max // .) end;

def wrong_keys($want):
	. as $record
	| [$want | to_entries[] | . as $key
	   | select(($record | has($key.key) | not)
		    or ($record[$key.key] | fits($key.value) | not))
	   | $key.key | select($cookies or . != "cookie" or $record.cookie != null)];

def explain($want; $left):
	([$left[] | select(.type == $want.type)] | min_by(wrong_keys($want) | length)) as $near
	| "missing: \($want | tojson)",
	  (if $near then $near | wrong_keys($want)[] as $key
	   | "    nearest has \($key) \(if has($key) then .[$key] | tojson else "absent" end)"
	     + ", not \($want[$key] | tojson)"
	   else "    and no other record of that type" end);

($types | split(" ")) as $types
| ($expected | map(normal) | sort_by(-length)) as $wanted
| reduce $wanted[] as $want ({left: [$actual[] | select(.type as $type | $types | index($type)) | normal],
			      missing: []};
	.left as $left
	| first((range($left | length) as $i
		 | select($left[$i].type == $want.type
			  and ($want.cookie == null or $left[$i].cookie == $want.cookie
			       or ($cookies | not)))
		 | select($left[$i] | wrong_keys($want) == []) | $i), null) as $hit
	| if $hit == null then .missing += [$want] else .left |= del(.[$hit]) end)
| .left as $left
| (.missing[] | explain(.; $left)), (.left[] | "not expected: \(tojson)")
