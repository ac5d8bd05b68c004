{# Stops the run: one line that names the var, what it may be and the way out. #}
{% macro refuse_var(name, allowed) %}
    {{ exceptions.raise_compiler_error(
        'var ' ~ name ~ ' is ' ~ var(name) | string ~ ' but must be ' ~ allowed
        ~ '; correct it in dbt_project.yml or in --vars'
    ) }}
{% endmacro %}
