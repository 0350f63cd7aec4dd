/** P5: `~user`, root's home, and the temporary folders that macOS and some programs make for each account. */
import { HOME, USER } from '../placeholders.ts'
import { hitsOf, NO_HITS, wholeHit, type Hit, type Rule } from '../rule.ts'
import { LETTER, SLASH, TILDE } from '../signals.ts'

const TILDE_HOME = /(?<![\p{L}\p{N}_~.\\^@-])~([a-z_][a-z0-9_.-]{0,63})(?=\/)/giu

export const tildeHomes: Rule = {
  name: 'tilde-homes',
  class: 'home_path',
  needs: TILDE | SLASH,
  find: ({ text }) =>
    hitsOf(text, TILDE_HOME, (match) => wholeHit(match, HOME, (match[1] as string).toLowerCase())),
  samples: {
    removed: [
      '⟦~bob⟧/notes',
      'cd ⟦~anna⟧/src',
      '"⟦~bob⟧/x"',
      'https://uni.example/⟦~bob⟧/paper.pdf',
      '(⟦~eve⟧/x)',
      'x=⟦~bob⟧/y',
      '⟦~bob.smith⟧/x',
      '⟦~_svc⟧/x',
      'a:⟦~bob⟧/b',
      '⟦~Bob⟧/x and ⟦~eve⟧/y',
    ],
    kept: [
      '~/notes',
      'HEAD~2/x',
      '~5 minutes',
      'a ~ b/c',
      '~',
      'about ~30/min',
      'main~bob/x',
      '~~bob/x',
      '~bob',
      'origin/main~1/src',
    ],
  },
}

const PRIVATE_FOLDER =
  /(?<![\p{L}\p{N}_])(?:(?:\/private)?\/var\/folders\/[^\s/"'`<>\\,;)]{1,64}(?:\/[^\s/"'`<>\\,;:)]{1,64})?(?:\/[TC0](?![^\s/"'`<>\\,;:)]))?|\/private\/(?:tmp|var\/tmp)(?![\p{L}\p{N}_-])|(?<![).}\]<>-])\/root(?![\p{L}\p{N}_.-]))/gu

export const privateFolders: Rule = {
  name: 'private-folders',
  class: 'home_path',
  needs: SLASH,
  find: ({ text }) => {
    if (!text.includes('/var/folders') && !text.includes('/private/') && !text.includes('/root')) {
      return NO_HITS
    }
    return hitsOf(text, PRIVATE_FOLDER, folderHit)
  },
  samples: {
    removed: [
      '⟦/var/folders/zz/zyxvpxvq6csfxvn_n0000/T⟧/x',
      '⟦/private/var/folders/ab/c1d2/T⟧/x',
      'in ⟦/var/folders/ab/c1d2⟧',
      '⟦/private/tmp⟧/x',
      '⟦/private/tmp⟧',
      '⟦/root⟧/x',
      'HOME=⟦/root⟧',
      '"⟦/root⟧/.ssh/config"',
      '⟦/private/var/tmp⟧/y',
      'cd ⟦/root⟧ && ls',
      '⟦/var/folders/ab⟧',
    ],
    kept: [
      '/var/log/x',
      '/tmp/x',
      'src/root/x',
      '/rooted',
      '/root-cause',
      '/private/etc',
      './root/x',
      '/var/folders',
      '/private/tmpl',
      'https://example.com/root/x',
      '</root>',
    ],
  },
}

function folderHit(match: RegExpExecArray): Hit {
  return wholeHit(match, HOME, match[0])
}

/** What pytest and the Java virtual machine call their folders in `/tmp`. */
const NAMED_FOLDER =
  /(?<=[/\\](?:pytest-of-|hsperfdata_))(?!(?:root|unknown)(?![\p{L}\p{N}_.-]))[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]{0,63}[\p{L}\p{N}_-])?/giu

export const namedFolders: Rule = {
  name: 'named-folders',
  class: 'home_path',
  needs: LETTER,
  find: ({ text, lower }) => {
    if (!lower.includes('pytest-of-') && !lower.includes('hsperfdata_')) return NO_HITS
    return hitsOf(text, NAMED_FOLDER, (match) => wholeHit(match, USER, match[0].toLowerCase()))
  },
  samples: {
    removed: [
      '/tmp/pytest-of-⟦bob⟧/pytest-0/test_x0',
      '/tmp/pytest-of-⟦bob⟧',
      'in /tmp/pytest-of-⟦anna.b⟧.',
      '"/var/tmp/pytest-of-⟦bob_smith⟧/x"',
      "PosixPath('/tmp/pytest-of-⟦bob⟧/pytest-12')",
      'D:\\Temp\\pytest-of-⟦Bob⟧\\x',
      '"D:\\\\Temp\\\\pytest-of-⟦Bob⟧\\\\x"',
      '/tmp/hsperfdata_⟦bob⟧/4711',
      '/tmp/hsperfdata_⟦rooted⟧',
      '/tmp/pytest-of-⟦jürgen⟧/x and /tmp/pytest-of-⟦eve-2⟧/x',
    ],
    kept: [
      '/tmp/pytest-of-root/pytest-0',
      '/tmp/pytest-of-unknown/x',
      '/tmp/pytest-of-<user>/x',
      '/tmp/pytest-of-$USER/x',
      '/tmp/pytest-of-{user}/x',
      '/tmp/pytest-0/x',
      'a pytest-of-the-day',
      'hsperfdata_bob',
      '/tmp/hsperfdata_',
      '/tmp/hsperfdata/bob',
    ],
  },
}
