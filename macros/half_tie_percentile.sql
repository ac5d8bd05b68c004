{# The share of the other peers that a mall beats, a tie counting half; a sole
   peer stands in the middle.
   worse: peers beaten; same: peers with the same value, itself included;
   peers: all peers, itself included. #}
{% macro half_tie_percentile(worse, same, peers) -%}
    case
        when {{ peers }} > 1
            then
                ({{ worse }} + ({{ same }} - 1) / 2)
                / ({{ peers }} - 1)
        else 0.5::double
    end
{%- endmacro %}
