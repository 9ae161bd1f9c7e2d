// What tells our table from another one of its name, and texts that may stand in a comment.

/** The table's comment. Of the form of what is in it: another form gets another number. */
export const MARK = "Romana, form 1";

/** NFTNL_UDATA_COMMENT_MAXLEN of libnftnl, with the zero byte. */
const LONGEST = 127;

/** nft's text has no way to write a quotation mark, and a comment that is too long is an error. */
export function commentOf(text: string): string {
  const plain = text.replaceAll(/[^ -~]|["\\]/gu, "?");
  return plain.length <= LONGEST ? plain : `${plain.slice(0, LONGEST - 3)}...`;
}
