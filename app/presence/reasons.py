"""The words of every decision, for the terminal's screen."""

from __future__ import annotations

from app.text import Text

REASONS = {
    "matched": Text("核验通过", "The person was recognised"),
    "not_matched": Text("未能确认是本人，请改用其他方式", "The person could not be confirmed; use another way"),
    "no_face": Text("没有检测到人脸，请正对镜头", "No face was found; look into the camera"),
    "several_faces": Text("画面中有多张人脸，请单独入镜", "Several faces are in view; please stand alone"),
    "too_far_away": Text("距离过远，请靠近镜头", "Too far away; please come closer"),
    "turned": Text("请正对镜头", "Please face the camera"),
    "tilted": Text("请摆正头部", "Please hold your head upright"),
    "too_dark": Text("光线过暗", "It is too dark"),
    "too_bright": Text("光线过亮", "It is too bright"),
    "low_contrast": Text("光线不均，请调整位置", "The light is flat; please move a little"),
    "blurred": Text("画面模糊，请保持不动", "The picture is blurred; please hold still"),
    "uncertain_face": Text("面部被遮挡或不清晰", "The face is covered or unclear"),
    "frames_differ": Text("多帧画面不是同一人", "The pictures do not show one person"),
    "unreadable": Text("照片无法读取，请重新拍摄", "The picture cannot be read; capture anew"),
    "ask_resident_id": Text("请输入身份证号后再试", "Please give the resident number instead"),
    "provider_away": Text("刷脸服务暂不可用，请改用其他方式", "Face recognition is away; use another way"),
    "turns_differ": Text("转头动作不符，请重新按提示进行", "The head was not turned as asked; begin anew"),
    "card_wrong": Text("卡号、密码或动态码不正确", "The card, PIN or code is not right"),
    "attestation_missing": Text("需要两名工作人员分别确认", "Two members of the staff have to attest, each alone"),
    "code_wrong": Text("动态码无效或已过期", "The code is wrong or has expired"),
}


def reason(code: str) -> Text:
    """Return the sentence for a reason code."""
    return REASONS.get(code, REASONS["not_matched"])
