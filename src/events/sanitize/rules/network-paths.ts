/** P4: UNC and device paths, WSL's shares among them, plain or JSON-escaped once or twice. */
import { PATH } from '../placeholders.ts'
import { hitsOf, type Hit, type Rule } from '../rule.ts'

// In a plain text two backslashes lead and one parts; each JSON escape doubles both. Other ratios are regexes and LaTeX.
const SEGMENT = '[^\\\\/:*?"\'`<>|\\s,;()\\[\\]{}]'
const BETWEEN = (separator: string): string =>
  `${separator}(?!\\\\)${SEGMENT}+(?: ${SEGMENT}{1,64}){0,2}?(?=\\\\|[^\\\\ ]|$| )`
const unc = (lead: number): string => {
  const separator = `\\\\{${lead / 2}}`
  return (
    `(?<![\\\\\\p{L}\\p{N}:>])\\\\{${lead}}(?:[?.](?:${separator}[A-Za-z]:)?|[\\w.$-]{2,64})` +
    `(?:${BETWEEN(separator)})*${BETWEEN(separator)}`
  )
}
const BACKSLASHED = new RegExp([2, 4, 8].map(unc).join('|'), 'giu')
const WSL = /(?<![\p{L}\p{N}:/])\/{2,4}wsl(?:\$|\.localhost)\/[^\s"'`<>|,;)\]}\\]+/giu
const BASE_NAME = /[^\\/]+$/
const ACCOUNT_FOLDER = /(?:home|users)[\\/]{1,8}[^\\/]*$/i

export const networkPaths: Rule = {
  name: 'network-paths',
  class: 'file_path',
  needs: 0,
  find: ({ text }) => {
    if (text.includes('\\\\')) {
      const hits = hitsOf(text, BACKSLASHED, pathHit)
      if (hits.length > 0) return hits
    }
    return text.includes('//') ? hitsOf(text, WSL, pathHit) : []
  },
  samples: {
    removed: [
      'on ⟦\\\\srv01\\share\\plan.docx⟧',
      '⟦\\\\srv\\team⟧',
      '"⟦\\\\\\\\srv\\\\share\\\\x.txt⟧"',
      '⟦\\\\\\\\\\\\\\\\srv\\\\\\\\share\\\\\\\\x⟧',
      '⟦\\\\wsl$\\Ubuntu\\home\\bob\\x⟧',
      '⟦\\\\wsl.localhost\\Debian\\srv\\x⟧',
      '⟦//wsl$/Ubuntu/home/bob/x⟧',
      'in ⟦//wsl.localhost/Ubuntu/tmp⟧',
      '⟦\\\\?\\C:\\work\\x.txt⟧',
      '⟦\\\\.\\pipe\\docker_engine⟧',
      '⟦\\\\?\\UNC\\srv\\share\\x⟧',
    ],
    kept: [
      'a regex \\\\d+\\\\w+',
      '\\\\n\\\\t',
      'C:\\\\work\\\\x',
      '// a comment',
      'https://wsl.example/x',
      '\\\\bfoo\\\\b',
      '\\section and \\label',
      '\\\\',
      'a \\\\ b',
      '{\\"a\\":1}',
      '//srv/share is a comment',
    ],
  },
}

function pathHit(match: RegExpExecArray): Hit {
  const path = match[0].replace(/[.]{1,8}$/, '')
  const base = BASE_NAME.exec(path)?.[0] ?? ''
  const depth = path.split(/[\\/]+/).filter((segment) => segment !== '').length
  const replacement =
    base === '' || depth < 3 || ACCOUNT_FOLDER.test(path) ? PATH : `${PATH}/${base}`
  return { start: match.index, end: match.index + path.length, replacement, who: null }
}
