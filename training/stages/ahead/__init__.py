"""Stages that compute what others will ask for, before they do."""
