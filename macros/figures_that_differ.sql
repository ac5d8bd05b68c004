{# The rows, by their key, whose figures differ between two row sets in the tenth
   digit after the point or before it, or that one of them lacks. Where both sides
   are rounded first and then compared, a figure near a half is rounded up by one
   route and down by the other.
   key, figures: lists of columns. #}
{% macro figures_that_differ(one, other, key, figures) -%}
    select
        {% for column in key -%}
        coalesce({{ one }}.{{ column }}, {{ other }}.{{ column }}) as {{ column }},
        {% endfor -%}
        {% for column in figures -%}
        {{ one }}.{{ column }} as {{ column }}_{{ one }},
        {{ other }}.{{ column }} as {{ column }}_{{ other }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ one }}
    full join {{ other }}
        on {% for column in key -%}
        {{ one }}.{{ column }} = {{ other }}.{{ column }}
        {%- if not loop.last %} and {% endif %}{% endfor %}
    where
        {{ one }}.{{ key[0] }} is null
        or {{ other }}.{{ key[0] }} is null
        {%- for column in figures %}
        or not coalesce(
            abs({{ one }}.{{ column }} - {{ other }}.{{ column }}) <= 1e-10,
            {{ one }}.{{ column }} is null and {{ other }}.{{ column }} is null
        )
        {%- endfor %}
{%- endmacro %}
