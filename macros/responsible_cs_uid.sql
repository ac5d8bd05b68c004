{# The agent to whom a message is put down: who wrote it, else who replied, else who
   was assigned, else whoever wrote to the buyer last on that day. #}
{% macro responsible_cs_uid() -%}
coalesce(
            agent_cs_uid,
            replied_cs_uid,
            assigned_cs_uid,
            previous_cs_uid_that_day
        )
{%- endmacro %}
