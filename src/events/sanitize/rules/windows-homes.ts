/** P5: `C:\Users\…` and its older name, with either slash and JSON-escaped. */
import { ESCAPE } from '../compiled-identity.ts'
import { HOME } from '../placeholders.ts'
import { hitsOf, NO_HITS, type Rule } from '../rule.ts'
import { COLON } from '../signals.ts'
import { GAP, SHARED_FOLDER, trimmedName } from './home-paths.ts'

const WINDOWS_UNIT =
  '(?:[^\\s\\\\/:*?"\'`<>|,;(){}[\\]%]|%(?!2[0fF27]|5[cC])(?=[0-9a-fA-F]{2})|\\\\{1,4}u[0-9a-fA-F]{4})'
const WINDOWS_HOME = new RegExp(
  `(?<=^|[^\\p{L}\\p{N}]|${ESCAPE})` +
    '(?:\\\\{2,8}[?.]\\\\{1,8})?[A-Za-z]:(?:\\\\{1,8}|\\/{1,4})(?:Users|Documents and Settings)(?:\\\\{1,8}|\\/{1,4})' +
    `(${WINDOWS_UNIT}+(?:${GAP}${WINDOWS_UNIT}{1,64}){0,3}(?=\\\\|\\/|%5[cC]|%2[fF])|${WINDOWS_UNIT}+)`,
  'giu',
)

export const windowsHomes: Rule = {
  name: 'windows-homes',
  class: 'home_path',
  needs: COLON,
  find: ({ text, lower }) => {
    if (!lower.includes('users') && !lower.includes('settings')) return NO_HITS
    return hitsOf(text, WINDOWS_HOME, (match) => {
      const name = trimmedName(match[1] as string)
      if (SHARED_FOLDER.test(name) || name === '') return null
      const end = match.index + match[0].length - (match[1] as string).length + name.length
      return { start: match.index, end, replacement: HOME, who: name.toLowerCase() }
    })
  },
  samples: {
    removed: [
      '⟦C:\\Users\\bob⟧\\x',
      '"⟦C:\\\\Users\\\\bob⟧\\\\x"',
      '⟦C:\\\\\\\\Users\\\\\\\\bob⟧\\\\\\\\x',
      '⟦C:/Users/bob⟧/x',
      '⟦c:\\users\\Bob Smith⟧\\Documents',
      'in ⟦D:\\Users\\anna⟧',
      '⟦C:\\Documents and Settings\\bob⟧\\x',
      '⟦C:\\Users\\J\\u00fcrgen⟧\\x',
      '(⟦C:\\Users\\bob.smith⟧)',
      'PATH=⟦C:\\Users\\bob⟧\\bin;⟦C:\\Users\\eve⟧\\bin',
      '⟦C:\\Users\\müller⟧\\x',
    ],
    kept: [
      'C:\\Windows\\System32',
      'C:\\Users\\Public\\x',
      'C:\\Users',
      'C:\\Users\\<user>\\x',
      'C:\\Users\\%USERNAME%\\x',
      'Users\\bob is relative',
      'abC:\\Users\\bob',
      'the Users folder of C:',
      'C:\\Program Files\\Users Guide',
      '%USERPROFILE%\\x',
      'C: users',
    ],
  },
}
