@echo off
rem Each stage on its own hour: writes the setting to .env, and starts what reads it once more.
call "%~dp0start.bat" env PIPELINE_SCHEDULE=staggered || exit /b 1
call "%~dp0start.bat" restart airflow-dag-processor airflow-scheduler
