/** P7: host names, user names and full names of this machine and its user, as whole words. */
import type { CompiledIdentity, LiteralMatcher } from '../compiled-identity.ts'
import { isCommonWord } from '../common-literals.ts'
import { HOST } from '../placeholders.ts'
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
    literalHits(subject, identity.contextual).filter(
      (hit) => isUserContext(subject, hit) || isHostContext(subject, hit),
    ),
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
      'nodename=⟦ci⟧',
      'ssh://⟦ci⟧/x',
      'see https://⟦ci⟧:8080/a',
      'ftp://⟦ci⟧',
      '"ssh:\\/\\/⟦ci⟧\\/x"',
      'ssh ⟦ci⟧',
      'ssh -v -p22 ⟦ci⟧ uptime',
      'scp a.txt ⟦ci⟧:/srv/x',
      'rsync ⟦ci⟧:~/x .',
      'on ⟦ci⟧.local',
      '⟦ci⟧.home.arpa',
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
      'https://ci.example/x',
      'https://x.example/ci/y',
      'ci://a',
      'a.ci.local',
      'ci.localised',
      'ci:12 is a line',
      'the ssh of ci',
      'git://dev/x is of another word',
      'ssh ci-runner',
      'run ci:all',
    ],
  },
}

const LOOK_BACK = 40
const USER_BEFORE =
  /(?:user|username|user_name|login|logname|owner|author|account|host|hostname|nodename|computername|uid)["']?\s{0,2}[=:]\s{0,2}["']?$|[\p{L}\p{N}]@$/iu
const HOST_BEHIND = /^@[\p{L}\p{N}]/u

/** `dev@box`, `user=dev`, `host: dev`. */
function isUserContext({ text }: Subject, { start, end }: Hit): boolean {
  if (HOST_BEHIND.test(text.slice(end, end + 2))) return true
  return USER_BEFORE.test(text.slice(Math.max(0, start - LOOK_BACK), start))
}

/** `ssh://ci/`: nothing else can stand there. A name with a domain is another literal, or another machine's. */
const AUTHORITY_BEFORE = /[a-z][a-z\d+.-]{1,15}:(?:\\?\/){2}$/i
const AUTHORITY_BEHIND = /^(?!\.[\p{L}\p{N}]|[-_@])/u
/** `ssh ci`, with options. */
const COMMAND_BEFORE = /(?:^|[^\p{L}\p{N}_-])(?:ssh|sftp|mosh|telnet) (?:-[^\s]{1,16} ){0,4}$/u
const COMMAND_BEHIND = /^(?![-_.:@=/\\])/
/** `ci:/srv`, `ci:~/x`, and the domains that are of no network but one's own. */
const COPY_BEFORE = /(?:^|[\s"'`(=])$/
const COPY_BEHIND = /^:(?:~|\/(?!\/))/
const OWN_DOMAIN_BEHIND = /^\.(?:local|localdomain|lan|internal|home\.arpa)(?![\p{L}\p{N}_-])/iu

function isHostContext({ text }: Subject, { start, end, replacement }: Hit): boolean {
  if (replacement !== HOST) return false
  const before = text.slice(Math.max(0, start - LOOK_BACK), start)
  const behind = text.slice(end, end + LOOK_BACK)
  const literal = text.slice(start, end)
  if (AUTHORITY_BEFORE.test(before) && AUTHORITY_BEHIND.test(behind))
    return literal.toLowerCase() !== 'localhost'
  // What follows is sure of a name only: ordinary words stand there too.
  if (isCommonWord(literal)) return false
  if (COMMAND_BEFORE.test(before) && COMMAND_BEHIND.test(behind)) return true
  return COPY_BEFORE.test(before) && (COPY_BEHIND.test(behind) || OWN_DOMAIN_BEHIND.test(behind))
}

function literalHits(
  { text, lower }: Subject,
  { expression, needles, placeholderOf }: LiteralMatcher,
): readonly Hit[] {
  if (expression === null || !needles.some((needle) => lower.includes(needle))) return NO_HITS
  return hitsOf(text, expression, (match) => wholeHit(match, placeholderOf(match[0]), null))
}
