"""What identity's scopes let a client do, in the words of consent pages."""

from __future__ import annotations

from app.text import Text

SCOPES = {
    "openid": Text("确认您的身份", "Know who you are"),
    "profile": Text("查看您的脱敏资料和使用记录", "See your masked profile and who used your data"),
    "phone": Text("查看您手机号的后四位", "See the last four digits of your mobile number"),
    "offline_access": Text("在您退出登录后继续访问", "Go on after you have logged out"),
    "introspect": Text("核查发给本服务的令牌", "Ask whether a token sent to this service is good"),
    "identity:privacy": Text("查看和撤回授权、导出数据、注销", "See and withdraw consents, export data, be erased"),
    "identity:admin": Text("以岗位身份管理身份平台", "Administer identity as your post allows"),
    "identity:face": Text("管理您的人脸授权", "Manage the use of your face"),
    "identity:proofing": Text("查看和提高您的实名等级", "See and raise how well you are proven"),
    "identity:parties": Text("管理您为谁办理、谁可为您办理", "Manage for whom you act and who acts for you"),
    "identity:authenticators": Text("管理您的登录方式", "Manage how you log in"),
    "identity:sessions": Text("查看和退出您登录的设备", "See your devices and log them out"),
    "identity:assist": Text("在窗口协助到场人员", "Help people present at a window"),
    "identity:recovery": Text("为到场人员办理账号找回", "Let people present recover their account"),
    "identity:providers": Text("管理外部账号登录", "Manage log-in with outside accounts"),
    "identity:face-dedup": Text("发起或批准人脸查重", "Ask for or approve a search for doubly enrolled faces"),
    "identity:cards": Text("管理您的卡证", "Manage your cards"),
    "identity:cards-issue": Text("登记发给市民的卡证", "Enter cards handed to citizens"),
}
