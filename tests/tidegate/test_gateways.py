from ipaddress import ip_address

from tidegate.gateways import gateways6_of, gateways_of

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t000014AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth2\t0501A8C0\t00000000\t0001\t0\t0\t0\tFFFFFFFF\t0\t0\t0
"""
NONE, REST = "0" * 32, "00000100 00000001 00000000 00000001 eth0"
ROUTES6 = f"""\
fd{"0" * 30} 40 {NONE} 00 {NONE} {REST}
{NONE} 00 {NONE} 00 fe80{"0" * 27}9 {REST}
"""


def test_the_way_out_and_the_first_address_of_each_bridge_may_stand_for_others():
    assert gateways_of(ROUTES) == {
        ip_address("172.18.0.1"),
        ip_address("172.20.0.1"),
        ip_address("192.168.1.5"),
    }
    assert gateways6_of(ROUTES6) == {ip_address("fd00::1"), ip_address("fe80::9")}
