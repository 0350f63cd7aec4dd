/** P7: host names, user names and full names of this machine and its user, as whole words. */
import type { CompiledIdentity, LiteralMatcher } from '../compiled-identity.ts'
import { hitsOf, NO_HITS, wholeHit, type Hit, type Rule, type Subject } from '../rule.ts'

export const identityWords: Rule = {
  name: 'identity-words',
  class: 'identity',
  needs: 0,
  find: (subject, identity: CompiledIdentity) => literalHits(subject, identity.words),
  samples: {
    removed: [
      'asked ⟦quillfeather⟧ today',
      '⟦Quillfeather⟧/feature-x',
      'on ⟦tern-box.lan.example⟧ now',
      'on ⟦tern-box⟧.',
      '⟦Quill Feather⟧ decided',
      'branch ⟦quill-feather⟧/x',
      'by ⟦QUILL FEATHER⟧',
      'see ⟦quillfeather⟧_notes',
      'user:⟦quillfeather⟧',
      '⟦q.feather⟧ wrote',
      'names: ⟦Feather, Quill⟧',
      '⟦quillfeather⟧@tern',
      'mail ⟦q.feather@mail.example⟧ soon',
    ],
    kept: [
      'quillfeathers',
      'a quill and a feather',
      'xquillfeather',
      'tern',
      'tern-boxes',
      'quillfeather2',
      'the box of a tern',
      'dev',
      'feather',
      'a2b3quillfeatherc4',
      '<user> <host> <name>',
    ],
  },
}

export const identityContexts: Rule = {
  name: 'identity-contexts',
  class: 'identity',
  needs: 0,
  find: (subject, identity: CompiledIdentity) =>
    literalHits(subject, identity.contextual).filter((hit) => isUserContext(subject, hit)),
  samples: {
    removed: [
      '⟦dev⟧@tern',
      'user=⟦dev⟧',
      'user: ⟦dev⟧',
      'login as username=⟦dev⟧;',
      '"owner":"⟦dev⟧"',
      'LOGNAME=⟦dev⟧',
      'ssh ⟦dev⟧@10',
      'host=⟦ci⟧',
      'me@⟦ci⟧ says',
      'hostname: ⟦ci⟧',
      'account = ⟦dev⟧',
    ],
    kept: [
      'dev and test',
      'npm run dev',
      'devs',
      'the ci job',
      'dev/main',
      'user device',
      'develop@x',
      'a dev user',
      'ci: green',
      'user=developer2',
      '@dev',
    ],
  },
}

const LOOK_BACK = 40
const USER_BEFORE =
  /(?:user|username|user_name|login|logname|owner|author|account|host|hostname|computername|uid)["']?\s{0,2}[=:]\s{0,2}["']?$|[\p{L}\p{N}]@$/iu
const HOST_BEHIND = /^@[\p{L}\p{N}]/u

/** `dev@box`, `user=dev`, `host: dev`. */
function isUserContext({ text }: Subject, { start, end }: Hit): boolean {
  if (HOST_BEHIND.test(text.slice(end, end + 2))) return true
  return USER_BEFORE.test(text.slice(Math.max(0, start - LOOK_BACK), start))
}

function literalHits(
  { text, lower }: Subject,
  { expression, needles, placeholderOf }: LiteralMatcher,
): readonly Hit[] {
  if (expression === null || !needles.some((needle) => lower.includes(needle))) return NO_HITS
  return hitsOf(text, expression, (match) => wholeHit(match, placeholderOf(match[0]), null))
}
