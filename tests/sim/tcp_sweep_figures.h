/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Name, bytes to the guest, bytes to the host, bytes a host side takes in a millisecond (0: all), then the stored
 * figures in milliseconds; rows: loss 0, 1, 2, 5, 10 %; columns: round trip 0, 10, 50, 150, 300 ms.
 */
{ "download", 500000, 300, 0,
  {
	  { 0, 65, 325, 975, 1950 },
	  { 120, 246, 719, 1637, 3225 },
	  { 190, 349, 1163, 2611, 5037 },
	  { 889, 1039, 2367, 4399, 8253 },
	  { 3157, 2501, 4155, 8103, 15193 },
  } },
