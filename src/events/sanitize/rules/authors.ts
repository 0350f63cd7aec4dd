/** P7: the names in commit trailers, which stand beside an address and are other people's too. */
import { NAME } from '../placeholders.ts'
import { hitsOf, NO_HITS, type Rule } from '../rule.ts'
import { COLON, LESS } from '../signals.ts'

const LABEL = /(?:-by|author|committer)["']?:/
const TRAILER =
  /(?<![\p{L}-])(?:co-authored-by|signed-off-by|reviewed-by|acked-by|tested-by|reported-by|suggested-by|author|committer)["']?:[ \t]{0,4}([^\s<>"'\\][^<>\r\n"\\]{0,79}?)[ \t]{0,4}(?=<)/giu

export const authors: Rule = {
  name: 'authors',
  class: 'identity',
  needs: COLON | LESS,
  find: ({ text, lower }) => {
    if (!LABEL.test(lower)) return NO_HITS
    return hitsOf(text, TRAILER, (match) => {
      const name = match[1] as string
      const start = match.index + match[0].lastIndexOf(name)
      return { start, end: start + name.length, replacement: NAME, who: name.toLowerCase() }
    })
  },
  samples: {
    removed: [
      'Co-authored-by: ⟦Jo Doe⟧ <email>',
      'Signed-off-by: ⟦Jo⟧ <jo@example.com>',
      'Author: ⟦Jo Q. Doe⟧ <x@example.com>',
      'Reviewed-by: ⟦Zoë Doe⟧ <z@example.com>',
      'fix\n\nTested-by: ⟦A B⟧ <a@example.com>',
      'Acked-by: ⟦A B⟧<a@example.com>',
      'Reported-by:⟦A B⟧ <a@example.com>',
      'committer: ⟦A B⟧ <a@example.com>',
      'co-authored-by: ⟦李 伟⟧ <l@example.com>',
      'Suggested-by: ⟦A⟧ <a@example.com>\nAcked-by: ⟦B⟧ <b@example.com>',
    ],
    kept: [
      'Author: <email>',
      'the author: someone',
      'Co-authored-by: <name> <email>',
      'Author < Editor',
      'stand-by: x',
      'authors: a, b <c>',
      'by: Jo <jo>',
      'Reviewed by Jo <jo>',
      'Signed-off-by:',
      'coauthor: Jo <x>',
    ],
  },
}
