/** P3: `scheme://user:password@host` and `scheme://token@host`; the host stays. */
import { CREDENTIAL } from '../placeholders.ts'
import { NO_HITS, type Hit, type Rule } from '../rule.ts'
import { AT, COLON, SLASH } from '../signals.ts'

const SCHEME_END = '://'
const AUTHORITY = /[^\s/?#"'<>`\\|{}()[\]]{1,2048}/y
const SCHEME_UNIT = /[A-Za-z0-9+.-]/
/** Accounts that every user of a forge shares. */
const SHARED_ACCOUNT = /^(?:git|hg|svn)$/i
const VARIABLES = /^\$?\w*\$\w+(?::\$\w+)?$/

export const urlCredentials: Rule = {
  name: 'url-credentials',
  class: 'credential',
  needs: AT | COLON | SLASH,
  find: ({ text }) => {
    let hits: Hit[] | null = null
    for (let at = text.indexOf(SCHEME_END); at >= 0; at = text.indexOf(SCHEME_END, at + 3)) {
      if (at === 0 || !SCHEME_UNIT.test(text[at - 1] as string)) continue
      const start = at + SCHEME_END.length
      AUTHORITY.lastIndex = start
      const authority = AUTHORITY.exec(text)?.[0] ?? ''
      const length = authority.lastIndexOf('@')
      if (length < 1 || isHarmless(authority.slice(0, length))) continue
      hits ??= []
      hits.push({ start, end: start + length, replacement: CREDENTIAL, who: null })
    }
    return hits ?? NO_HITS
  },
  samples: {
    removed: [
      'https://⟦bob:hunter2⟧@example.com/x.git',
      'https://⟦oauth2:abc⟧@gitlab.example/o/r',
      'https://⟦x-access-token:t0k⟧@github.com/o/r',
      'https://⟦sometoken⟧@github.com/o/r.git',
      'postgres://⟦app:s3cret⟧@db.internal:5432/app',
      'redis://⟦:pass⟧@cache:6379',
      'amqp://⟦guest:guest⟧@mq',
      'mongodb+srv://⟦u:p⟧@cluster0.example.net',
      'see ftp://⟦anna:x⟧@files.example and go',
      'ssh://⟦bob⟧@host.example/srv/x',
      'https://⟦u:p@ss⟧@host/x',
      '"https://⟦u:p⟧@h" and "https://⟦v:q⟧@i"',
    ],
    kept: [
      'https://example.com/@scope/pkg',
      'ssh://git@github.com/o/r.git',
      'https://example.com/a?to=b@c',
      'https://<secret:credential>@host/x',
      'git+ssh://git@host/x',
      'https://$TOKEN@github.com/o/r',
      'https://$USER:$PASS@host',
      'https://medium.com/@someone',
      '://@',
      'https://@host/x',
      'a :// b@c',
      'https://example.com/#x@y',
    ],
  },
}

function isHarmless(userinfo: string): boolean {
  return SHARED_ACCOUNT.test(userinfo) || VARIABLES.test(userinfo)
}
