/** P5: home directories with slashes: Linux, macOS, WSL, Git Bash, mounts and remote URLs. */
import { HOME } from '../placeholders.ts'
import { hitsOf, NO_HITS, type Rule } from '../rule.ts'
import { SLASH } from '../signals.ts'

// A name ends where its path's next part begins, however that is written.
const UNIT =
  '(?:[^\\s/\\\\"\'`<>|:*?,;(){}[\\]$&=#!%\\u0000-\\u001f]|%(?!2[0fF27]|5[cC]|0[aAdD])(?=[0-9a-fA-F]{2})|\\\\{1,4}u[0-9a-fA-F]{4}|\\\\ )'
export const GAP = '(?: |%20)'
const SLASHED = new RegExp(
  `\\/{1,4}(?:home|Users)\\/{1,4}(${UNIT}+(?:${GAP}\\p{Lu}${UNIT}{0,64}){0,2}(?=\\/|%2[fF]|\\\\\\/)|${UNIT}+)`,
  'gu',
)
const MOUNT =
  /(?:\/{1,4}(?:System\/Volumes\/Data|Volumes\/[^/]{1,64}|mnt\/wsl\/[^/]{1,32}|(?:mnt|cygdrive)\/[a-z]|[a-z]|private|var|usr|export|mnt|media|net|nfs|data|srv|host|hostfs|rootfs|backup|(?:mnt|media)\/[^/\s]{1,64}|proc\/[^/]{1,12}\/(?:root|cwd))){1,3}$/
const FLAG = /(?:^|[\s"'=])-{1,2}[A-Za-z]{1,10}$/
const REMOTE = /(?:^|[\s"'`(<=,])([a-z][a-z0-9+.-]{1,24}):\/\/[^/\s"'`<>]{0,100}$/i
const WEB = /^(?:https?|wss?)$/i
const WORD_UNIT = /[\p{L}\p{N}_]/u
const LOOK_BACK = 128
/** Folders beside the homes that belong to nobody. */
export const SHARED_FOLDER = /^(?:shared|public|\.{1,3})$/i

export const slashedHomes: Rule = {
  name: 'slashed-homes',
  class: 'home_path',
  needs: SLASH,
  find: ({ text }) => {
    if (!text.includes('home/') && !text.includes('Users/')) return NO_HITS
    let last = 0
    return hitsOf(text, SLASHED, (match) => {
      const name = trimmedName(match[1] as string)
      const start = startOfPath(text, match.index, last)
      if (start === null || SHARED_FOLDER.test(name) || name === '') return null
      const end = match.index + match[0].length - (match[1] as string).length + name.length
      last = end
      return { start, end, replacement: HOME, who: name.toLowerCase() }
    })
  },
  samples: {
    removed: [
      '⟦/home/bob⟧⟦/home/bob⟧/x',
      'see ⟦/home/bob⟧/notes.md',
      '⟦/home/bob⟧',
      '⟦/Users/anna⟧/Library',
      'HOME=⟦/home/bob⟧',
      'a:⟦/home/bob⟧/bin:⟦/home/eve⟧/bin',
      '⟦/mnt/c/Users/bob⟧/x',
      '⟦/c/Users/bob⟧/x',
      '⟦/cygdrive/c/Users/Bob Smith⟧/x',
      '-I⟦/home/bob⟧/include',
      '⟦/Volumes/Macintosh HD/Users/anna⟧/x',
      '⟦/System/Volumes/Data/Users/anna⟧/x',
      '⟦/var/home/bob⟧/x',
      'in ⟦/home/bob⟧.',
      '⟦/home/jürgen.müller⟧/x',
      '(⟦/home/bob⟧)',
      'vscode-remote://wsl+Ubuntu⟦/home/bob⟧/x',
      '⟦//home/bob⟧/x',
      '⟦/home/J%C3%BCrgen⟧/x',
    ],
    kept: [
      'https://example.com/home/page',
      'src/home/index.ts',
      '/home/<user>/x',
      '/home/$USER/x',
      '/home/{name}/x',
      '/Users/Shared/x',
      'pages/Users/List.tsx',
      'Path.home()',
      'the /home directory',
      '/home/',
      '~/notes.md',
      'rehome/x',
      '/home/*/x',
      'GET /users/42',
      'https://x.dev/Users/list',
      '<home>/x',
    ],
  },
}

/**
 * Where the path of a home begins: with the mount before it; null where it is a part of something else. A home directly
 * behind the last one counts, because it would come to light when that one is gone.
 */
function startOfPath(text: string, slash: number, last: number): number | null {
  const isStart = (offset: number): boolean =>
    offset === last || !WORD_UNIT.test(text[offset - 1] as string)
  if (isStart(slash)) return slash
  const from = Math.max(last, slash - LOOK_BACK)
  const before = text.slice(from, slash)
  const mount = MOUNT.exec(before)
  if (mount !== null && isStart(from + mount.index)) return from + mount.index
  const scheme = REMOTE.exec(before)?.[1]
  if (scheme !== undefined) return WEB.test(scheme) ? null : slash
  return FLAG.test(before) ? slash : null
}

export function trimmedName(name: string): string {
  return name.replace(/\.{1,8}$/, '')
}
