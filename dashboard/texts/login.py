"""What stands on the page that asks for the password."""

from dashboard.texts import Text

TITLE = Text("Log in", "로그인")
HINT = Text(
    "The password is DASHBOARD_PASSWORD, or else the API key, which ./start.sh status shows.",
    "비밀번호는 DASHBOARD_PASSWORD이며, 정하지 않았다면 ./start.sh status에 나오는 API 키입니다.",
)
PASSWORD = Text("Password", "비밀번호")
ENTER = Text("Log in", "로그인")
LEAVE = Text("Log out", "로그아웃")
ENDED = Text("Your login has ended, so nothing new is shown.", "로그인이 만료되어 새 내용을 볼 수 없습니다.")
AGAIN = Text("Log in again", "다시 로그인")
WRONG = Text("This is not the password.", "비밀번호가 맞지 않습니다.")
WAIT = Text(
    "Too many wrong passwords. Try again in {seconds} s.",
    "잘못된 비밀번호가 너무 많이 입력되었습니다. {seconds}초 뒤에 다시 시도해 주십시오.",
)
