/** P8: IPv4, IPv6 and hardware addresses; not versions, loopback or the unspecified address. */
import { IP } from '../placeholders.ts'
import { hitsOf, NO_HITS, wholeHit, type Rule } from '../rule.ts'
import { COLON, DIGIT, DOT } from '../signals.ts'

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const IPV4 = new RegExp(
  `(?<![\\p{L}\\p{N}_.-])${OCTET}(?:\\.${OCTET}){3}(?![\\p{L}\\p{N}_]|\\.\\d|[-+][\\p{L}])`,
  'gu',
)
const VERSION_BEFORE =
  /(?:\b(?:v|ver|version|versions|release|rev|section|chapter|step|build|sec)\.?["']?[\s:=]{0,3}|[=<>~^@§]{1,3}\s?|[A-Z][A-Za-z]{1,20}\/|Version\(["'])$/i
const VERSION_ASSIGNMENT = /[=~<>^]=\s?$|[§@~^]\s?$/
const LOOK_BACK = 24
const IPV4_KEPT = /^(?:127\.|0\.0\.0\.0$|255\.255\.\d{1,3}\.\d{1,3}$|\d{1,3}\.0\.0\.0$)/

export const ipv4Addresses: Rule = {
  name: 'ipv4-addresses',
  class: 'network',
  needs: DIGIT | DOT,
  find: ({ text }) =>
    hitsOf(text, IPV4, (match) => {
      if (IPV4_KEPT.test(match[0])) return null
      const before = text.slice(Math.max(0, match.index - LOOK_BACK), match.index)
      return isVersionContext(before) ? null : wholeHit(match, IP, match[0])
    }),
  samples: {
    removed: [
      'from ⟦192.168.1.20⟧',
      '⟦10.0.0.5⟧:8080',
      'http://⟦172.16.4.2⟧/x',
      '(⟦203.0.113.9⟧)',
      '⟦8.8.8.8⟧',
      'bob@⟦10.1.2.3⟧',
      '⟦192.168.0.0⟧/16',
      'ip=⟦10.11.12.13⟧',
      '⟦198.51.100.7⟧, ⟦198.51.100.8⟧',
      'to ⟦100.64.0.1⟧.',
      'host: ⟦10.20.30.40⟧',
    ],
    kept: [
      '127.0.0.1',
      '0.0.0.0:3000',
      'version 10.2.3',
      'v1.2.3.4',
      'version 1.2.3.4',
      'pkg==1.2.3.4',
      '1.2.3.4.5',
      '1.2.3.4-beta',
      '300.1.1.1',
      'Chrome/120.0.0.0',
      'release 2.0.1.7',
      '§ 4.1.2.3',
      'pkg@1.2.3.4',
      '255.255.255.255',
      '10.2.3',
    ],
  },
}

function isVersionContext(before: string): boolean {
  if (VERSION_ASSIGNMENT.test(before))
    return !/[\p{L}\p{N}]@$/u.test(before) || /(?:pkg|[a-z]+-[a-z]+|\/[\w.-]+)@$/.test(before)
  return VERSION_BEFORE.test(before) && !/[=<>~^@]\s?$/.test(before)
}

const TWO_COLONS = /:[0-9a-f]{0,4}:/i
const IPV6 =
  /(?<![\p{L}\p{N}_:.])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4}|(?=:)|(?<=::))(?:%[a-z0-9]{1,15})?(?![\p{L}\p{N}_:])/giu
const IPV6_GLOBAL = /^(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]|ff[0-9a-f]{2}):/i
const IPV6_MAPPED = /^::(?:ffff:)?\d{1,3}\./i

export const ipv6Addresses: Rule = {
  name: 'ipv6-addresses',
  class: 'network',
  needs: DIGIT | COLON,
  find: ({ text }) => {
    if (!TWO_COLONS.test(text)) return NO_HITS
    return hitsOf(text, IPV6, (match) =>
      isIpv6(match[0]) ? wholeHit(match, IP, match[0].toLowerCase()) : null,
    )
  },
  samples: {
    removed: [
      'from ⟦2001:db8::1⟧',
      '[⟦2001:db8:0:1:2:3:4:5⟧]:443',
      '⟦fe80::1⟧',
      '⟦fe80::1ff:fe23:4567:890a%eth0⟧',
      '⟦fd12:3456:789a::1⟧',
      '⟦::ffff:192.168.1.1⟧',
      '⟦2a00:1450:4001:81b::200e⟧.',
      '⟦ff02::2⟧',
      'ip=⟦2001:DB8::A1⟧',
      '⟦2001:db8::1⟧, ⟦2001:db8::2⟧',
    ],
    kept: [
      '::1',
      '::',
      'std::cout',
      '12:34:56',
      'a[1::2]',
      'dead::beef',
      'tests/test_x.py::test_1',
      'Foo::Bar2',
      '2026-01-01T10:20:30',
      'a:b:c',
      '1:2:3:4',
    ],
  },
}

function isIpv6(candidate: string): boolean {
  const address = candidate.split('%')[0] as string
  if (!/[0-9]/.test(address)) return false
  if (IPV6_MAPPED.test(address)) return true
  const groups = address.split(':').filter((group) => group !== '')
  if (!address.includes('::')) return groups.length === 8
  return groups.length <= 7 && address.split('::').length === 2 && IPV6_GLOBAL.test(address)
}

const THREE_PAIRS = /[0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}/i
const MAC =
  /(?<![\p{L}\p{N}_:-])[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})(?![\p{L}\p{N}_:-])/giu

export const hardwareAddresses: Rule = {
  name: 'hardware-addresses',
  class: 'network',
  needs: DIGIT,
  find: ({ text }) => {
    if (!THREE_PAIRS.test(text)) return NO_HITS
    return hitsOf(text, MAC, (match) => wholeHit(match, IP, match[0].toLowerCase()))
  },
  samples: {
    removed: [
      'mac ⟦00:1a:2b:3c:4d:5e⟧',
      '⟦00-1A-2B-3C-4D-5E⟧',
      '(⟦a4:83:e7:12:34:56⟧)',
      'ether=⟦52:54:00:ab:cd:ef⟧',
      '⟦02:42:ac:11:00:02⟧.',
      '"⟦de:ad:be:ef:00:01⟧"',
      '⟦F0:18:98:00:00:01⟧,',
      'a ⟦00:00:5e:00:53:01⟧ b ⟦00:00:5e:00:53:02⟧',
      '⟦3c-22-fb-00-11-22⟧',
      'at ⟦b8:27:eb:00:00:00⟧',
    ],
    kept: [
      '12:34:56',
      '2026-01-02-03-04-05',
      'de:ad:be:ef:00:11:22',
      '00:1a:2b:3c:4d',
      'a1:b2:c3:d4:e5:f6:a7:b8:c9:d0:e1:f2:a3:b4:c5:d6',
      '00-1a:2b-3c:4d-5e',
      '1:2:3:4:5:6',
      'x00:1a:2b:3c:4d:5e',
      'gg:1a:2b:3c:4d:5e',
      '00:1a:2b:3c:4d:5ef',
    ],
  },
}
