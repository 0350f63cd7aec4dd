/** P4: `file:` URLs: repository-relative inside a root, else only the base name stays. */
import { comparablePath, type CompiledIdentity } from '../compiled-identity.ts'
import { canonicalView } from '../canonical-view.ts'
import { PATH } from '../placeholders.ts'
import { hitsOf, NO_HITS, type Rule } from '../rule.ts'
import { COLON } from '../signals.ts'

const SCHEME = /(?:file|smb|cifs|afp|nfs):/
const FILE_URL =
  /(?<![\p{L}\p{N}])(?:(?:[a-z]{1,10}\+|jar:|vscode-)?file:|(?:smb|cifs|afp|nfs):(?=\/\/))((?:\/[^\s"'`<>|)\]}\\]*|\\[^\s"'`<>|)\]}/]*)+)/giu
const EMPTY_PATH = /^[\\/]{0,8}$/
const TRAILING = /[.,;:!?\\]{1,64}$/
/** Below these, a name is a person's. */
const ACCOUNT_FOLDER = /(?:^|\/)(?:home|users)$/

export const fileUrls: Rule = {
  name: 'file-urls',
  class: 'file_path',
  needs: COLON,
  find: ({ text, lower }, identity) => {
    if (!SCHEME.test(lower)) return NO_HITS
    return hitsOf(text, FILE_URL, (match) => {
      const url = match[0].replace(TRAILING, '')
      const path = url.slice(match[0].length - (match[1] as string).length)
      if (EMPTY_PATH.test(path)) return null
      const end = match.index + url.length
      return { start: match.index, end, replacement: shortened(path, identity), who: null }
    })
  },
  samples: {
    removed: [
      '⟦file:///home/bob/x.txt⟧',
      'open ⟦file:///Users/anna/a%20b.md⟧.',
      '(⟦file:///C:/Users/bob/x⟧)',
      '"⟦file://localhost/etc/hosts⟧"',
      '⟦file:/var/log/syslog⟧',
      '⟦FILE:///home/bob⟧',
      'at ⟦file:///home/bob/p/a.js:12:5⟧',
      '⟦git+file:///srv/git/x.git⟧',
      '⟦file:\\\\C:\\Users\\bob\\x⟧',
      '⟦vscode-file:///home/bob/x⟧',
      '⟦file://server/share/x.doc⟧, then',
      '⟦smb://server/share/x.doc⟧',
    ],
    kept: [
      'file: a.ts',
      'profile:/x',
      'the file:line form',
      'https://example.com/file/x',
      'file:<path>/x',
      'file',
      'makefile:/target',
      'src/file.ts:12',
      'file:"x"',
      'file:12',
      'file-url',
      'a `file://` URL',
    ],
  },
}

function shortened(encoded: string, identity: CompiledIdentity): string {
  const decoded = canonicalView(encoded)?.text ?? encoded
  // An authority before a drive or a root is dropped with the slashes.
  const path = comparablePath(decoded.replace(/^[\\/]{2,8}(?:localhost)?(?=[\\/])/i, ''))
  const spelled = decoded.split(/[\\/]/).filter((segment) => segment !== '')
  for (const root of identity.rootPrefixes) {
    if (path === root) return '.'
    if (path.startsWith(`${root}/`)) {
      const depth = path.slice(root.length + 1).split('/').length
      return spelled.slice(-depth).join('/')
    }
  }
  const parent = path.slice(0, path.lastIndexOf('/'))
  if (spelled.length < 2 || ACCOUNT_FOLDER.test(parent)) return PATH
  return `${PATH}/${spelled.at(-1)}`
}
