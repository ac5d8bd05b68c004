{# An agent's rank among the agents of the mall on the day, best 1; NULL where
   the figure is NULL. #}
{% macro rank_of(metric, direction) -%}
    case
        when {{ metric }} is not null
            then rank() over (
                partition by mall_id, as_of_date
                order by {{ metric }} {{ direction }} nulls last
            )
    end
{%- endmacro %}
