/** Characters that do something to whoever shows them, instead of being shown. */

/** C0 but tab and line feed, DEL, C1, line separators, and characters that reorder or hide text. */
export const UNPRINTABLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/gu
