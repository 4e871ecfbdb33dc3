@echo off
rem Lets etf_holdings_daily, which is paused at first, run on its schedule, and runs it now. Takes --as-of DATE, too.
call "%~dp0start.bat" run etf_holdings_daily --unpause %*
