"""Counts the cases of meson's test programs: count_unit.py TESTLOG.JSON RESULTS STEP.

A program that speaks TAP counts its cases; one that does not, or that ended badly without saying which case it was, counts as one.
Writes RESULTS/STEP.count ("passed failed skipped") and adds what failed or was skipped to RESULTS/*.reasons.
"""
import json
import re
import sys

TAP = re.compile(r'^\s*(not )?ok\b\s*\d*\s*-?\s*([^#]*)(#\s*(skip|todo)\b\s*(.*))?', re.IGNORECASE)


def cases(output):
    for line in output.splitlines():
        match = TAP.match(line)
        if match:
            directive = (match.group(4) or '').lower()
            state = 'skipped' if directive == 'skip' else 'failed' if match.group(1) and directive != 'todo' else 'passed'
            yield state, match.group(2).strip(), (match.group(5) or '').strip()


def main(log, results, step):
    total = {'passed': 0, 'failed': 0, 'skipped': 0}
    reasons = {'failed': [], 'skipped': []}
    with open(log, encoding='utf-8', errors='replace') as lines:
        for line in lines:
            test = json.loads(line)
            count = {'passed': 0, 'failed': 0, 'skipped': 0}
            for state, name, why in cases(test.get('stdout') or ''):
                count[state] += 1
                if state != 'passed':
                    reasons[state].append(': '.join(part for part in (step, test['name'], name, why) if part))
            good = test['result'] in ('OK', 'EXPECTEDFAIL')
            # cmocka says "not ok 3 # SKIP", which TAP takes for a skip and meson for a failure
            good = good or (test['result'] == 'FAIL' and test['returncode'] == 0 and count['skipped'] and not count['failed'])
            if test['result'] == 'SKIP' and not any(count.values()):
                count['skipped'] = 1
                reasons['skipped'].append(f"{step}: {test['name']}")
            elif not good and test['result'] != 'SKIP' and not count['failed']:
                count['failed'] = 1
                reasons['failed'].append(f"{step}: {test['name']}: {test['result'].lower()}, exit status {test['returncode']}")
            elif good and not any(count.values()):
                count['passed'] = 1
            for state in total:
                total[state] += count[state]
            print(f"{'ok    ' if not count['failed'] else 'FAILED'} {test['name']}: {count['passed']} passed, "
                  f"{count['failed']} failed, {count['skipped']} skipped, {test['duration']:.1f} s")
            if count['failed']:
                print(indent(test.get('stdout')) + indent(test.get('stderr')))
    with open(f'{results}/{step}.count', 'w', encoding='utf-8') as out:
        print(total['passed'], total['failed'], total['skipped'], file=out)
    for state, name in (('failed', 'failures'), ('skipped', 'skipped')):
        if reasons[state]:
            with open(f'{results}/{name}.reasons', 'a', encoding='utf-8') as out:
                print(*reasons[state], sep='\n', file=out)


def indent(text):
    return ''.join(f'    {line}\n' for line in (text or '').splitlines()[-200:])


main(*sys.argv[1:])
