@echo off
rem The front door on Windows, where the platform runs in Docker: ./start.sh with the same arguments, in the Bash of
rem Git for Windows, else in the first one in PATH (WSL's). start.bat --help
setlocal
cd /d "%~dp0"
set "BASH="
for %%b in ("%ProgramFiles%\Git\bin\bash.exe" "%LocalAppData%\Programs\Git\bin\bash.exe") do (
    if not defined BASH if exist %%b set "BASH=%%~b"
)
if not defined BASH for /f "delims=" %%b in ('where bash 2^>nul') do if not defined BASH set "BASH=%%b"
if not defined BASH (
    echo start.bat: no Bash was found to run start.sh with. Two things are needed:
    echo   Docker Desktop    https://www.docker.com/products/docker-desktop
    echo   Git for Windows   https://gitforwindows.org    or WSL: wsl --install
    exit /b 1
)
rem Git's Bash turns what looks like a path into one of Windows; this setting holds a path inside a container.
set "MSYS2_ENV_CONV_EXCL=MARKET_SERVER_ARGS"
"%BASH%" ./start.sh --docker %*
exit /b %errorlevel%
