{# A number for a key, by which rows of a key are looked for among all. Rows of two keys
   may share it: what looks for them tells them apart. It has 40 bits, for each run
   reads it of every row that ever came: of 100 million keys some 9,000 share theirs. #}
{% macro key_hash(columns) -%}
hash({{ columns }}) >> 24 as key_hash
{%- endmacro %}
