/** P1: PEM blocks of private keys, whole, cut off at the end, or cut off at the beginning. */
import { NO_HITS, type Hit, type Rule } from '../rule.ts'
import { secretOf } from '../placeholders.ts'

const BEGIN = '-----BEGIN '
const HEADER = /-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----/y
const FOOTER = /-----END [A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?-----/g
const BODY_UNIT = /[A-Za-z0-9+/=\\\s]/
const BODY_RUN_MIN = 16
const REPLACEMENT = secretOf('private-key')

export const privateKeys: Rule = {
  name: 'private-keys',
  class: 'private_key',
  needs: 0,
  find: ({ text }) => {
    if (!text.includes(' PRIVATE KEY')) return NO_HITS
    const hits: Hit[] = []
    let from = 0
    for (let begin = text.indexOf(BEGIN); begin >= 0; begin = text.indexOf(BEGIN, from)) {
      from = begin + BEGIN.length
      HEADER.lastIndex = begin
      if (!HEADER.test(text)) continue
      const end = endOfBlock(text, HEADER.lastIndex)
      hits.push({ start: begin, end, replacement: REPLACEMENT, who: null })
      from = end
    }
    return [...hits, ...headless(text, hits)].sort((a, b) => a.start - b.start)
  },
  samples: {
    removed: [
      '⟦-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----⟧',
      'key: ⟦-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----⟧ end',
      '⟦-----BEGIN EC PRIVATE KEY-----\nMHcCAQ==\n-----END EC PRIVATE KEY-----⟧',
      '⟦-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----⟧\n',
      'a ⟦-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----⟧',
      '⟦-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIF\n-----END ENCRYPTED PRIVATE KEY-----⟧',
      '⟦-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOY\n-----END PGP PRIVATE KEY BLOCK-----⟧',
      'cut off ⟦-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA⟧',
      '{"k":"⟦-----BEGIN PRIVATE KEY-----\\nMIIB\\n-----END PRIVATE KEY-----⟧"}',
      '⟦MIIEowIBAAKCAQEAqwerty+/\n-----END RSA PRIVATE KEY-----⟧ tail',
      'x ⟦-----BEGIN PRIVATE KEY-----⟧',
    ],
    kept: [
      '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
      'the PRIVATE KEY stays on the machine',
      'BEGIN PRIVATE KEY',
      '----- BEGIN -----',
      '-----BEGIN PGP SIGNED MESSAGE-----',
      '-----BEGIN SSH SIGNATURE-----',
      'look for a PRIVATE KEY header in the file',
      '-----BEGIN PGP PUBLIC KEY BLOCK-----',
      'rotate the private key every year',
      '-----BEGIN private key-----',
    ],
  },
}

/** Behind the footer, or the text's end where the block was cut off: what follows can't be told from the key. */
function endOfBlock(text: string, from: number): number {
  FOOTER.lastIndex = from
  return FOOTER.test(text) ? FOOTER.lastIndex : text.length
}

/** Footers whose header was cut off, with the lines of base64 before them. */
function headless(text: string, blocks: readonly Hit[]): Hit[] {
  const hits: Hit[] = []
  let floor = 0
  let next = 0
  FOOTER.lastIndex = 0
  for (let match = FOOTER.exec(text); match !== null; match = FOOTER.exec(text)) {
    while (next < blocks.length && (blocks[next] as Hit).end <= match.index) next += 1
    const start = startOfBody(text, match.index, floor)
    floor = FOOTER.lastIndex
    const block = blocks[next]
    if (block !== undefined && block.start <= match.index) continue
    hits.push({ start, end: floor, replacement: REPLACEMENT, who: null })
  }
  return hits
}

function startOfBody(text: string, footer: number, floor: number): number {
  let start = footer
  let run = 0
  for (let i = footer - 1; i >= floor && BODY_UNIT.test(text[i] as string); i--) {
    run = /[\\\s]/.test(text[i] as string) ? 0 : run + 1
    if (run >= BODY_RUN_MIN) start = i
  }
  return start
}
